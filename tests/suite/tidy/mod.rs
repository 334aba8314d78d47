//! What the house looks like: rules that a machine can hold, and the proof that each can be broken.

mod rules;
mod source;

use std::{
    fs,
    path::{Path, PathBuf},
};

use self::{
    rules::{LINES_MAX, RULES, Rule},
    source::{Name, Source},
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below `folder`, from the root of the repository.
fn files(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut waiting = vec![PathBuf::from(folder)];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                waiting.push(path);
            } else {
                found.push(path.to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    found
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

fn sources() -> Vec<Source> {
    let paths = [files("src"), files("tests")].concat();
    let rust = paths.iter().filter(|path| path.ends_with(".rs"));
    rust.map(|path| Source::parse(path, &text(path))).collect()
}

fn faults(rule: &Rule, sources: &[Source]) -> Vec<String> {
    let of = |source: &Source| {
        let faults = (rule.faults)(source).into_iter();
        faults.map(|fault| format!("{}: {fault} ({})", source.path, rule.name)).collect::<Vec<_>>()
    };
    sources.iter().flat_map(of).collect()
}

#[test]
fn the_house_keeps_its_rules() {
    let sources = sources();
    assert!(sources.len() > 100, "only {} files were read", sources.len());
    let found: Vec<String> = RULES.iter().flat_map(|rule| faults(rule, &sources)).collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn every_rule_can_be_broken_and_kept() {
    for rule in &RULES {
        assert!(!rule.wrong.is_empty() && !rule.right.is_empty(), "{}", rule.name);
        for (path, text) in rule.wrong {
            let found = (rule.faults)(&Source::parse(path, text));
            assert!(!found.is_empty(), "{}: nothing wrong with {path}: {text}", rule.name);
        }
        for (path, text) in rule.right {
            let found = (rule.faults)(&Source::parse(path, text));
            assert!(found.is_empty(), "{}: {path}: {text}: {found:?}", rule.name);
        }
    }
    assert!(include_str!("too_long.txt").lines().count() == LINES_MAX + 1);
}

#[test]
fn paths_are_resolved_from_where_they_stand() {
    let own = |path: &str, text: &str| {
        let names = Source::parse(path, text).names;
        names.into_iter().map(|Name { segments, .. }| segments.join("::")).collect::<Vec<_>>()
    };
    assert_eq!(own("src/a/mod.rs", "use self::b::{self, c as d};"), ["a::b", "a::b::c"]);
    assert_eq!(own("src/a/b.rs", "use super::{c::*, super::e};"), ["a::c::*", "e"]);
    assert_eq!(own("src/a.rs", "mod t { use super::b; use super::super::c; }"), ["a::b", "c"]);
    assert_eq!(own("src/a.rs", "fn f() { m!(x = crate::b::c(1), d) }"), ["b::c"]);
    assert_eq!(own("src/a.rs", "fn f() { m!(x: y, crate::b :: {c}) }"), ["b"]);
}

/// Templates that no page has, pages' parts that no template includes.
fn unused_templates(templates: &[String], texts: &[String], pages: &[String]) -> Vec<String> {
    let is_unused = |path: &&String| {
        let name = path.strip_prefix("templates/").unwrap_or(path);
        match name.strip_suffix(".html").filter(|stem| !stem.contains('/')) {
            Some(stem) => !pages.contains(&format!("src/page/{stem}.rs")),
            None => !texts.iter().any(|text| text.contains(&format!("\"{name}\""))),
        }
    };
    templates.iter().filter(is_unused).cloned().collect()
}

#[test]
fn every_template_has_its_page() {
    let templates = files("templates");
    let pages = files("src/page");
    let texts: Vec<String> = templates.iter().chain(&pages).map(|path| text(path)).collect();
    assert_eq!(unused_templates(&templates, &texts, &pages), [""; 0]);
    let alone = ["templates/alone.html".to_owned(), "templates/part/alone.html".to_owned()];
    assert_eq!(unused_templates(&alone, &texts, &pages), alone);
}

/// Files under `tests` that nothing leads to.
fn unused_tests(paths: &[String], read: impl Fn(&str) -> String) -> Vec<String> {
    let (manifest, check) = (text("Cargo.toml"), text("tests/run") + &text("README.md"));
    let rust = paths.iter().filter(|path| path.ends_with(".rs"));
    let code: String = rust.map(|path| read(path)).collect();
    let unit: String =
        files("src").iter().filter(|path| path.ends_with(".rs")).map(|path| text(path)).collect();
    let is_used = |path: &String| {
        let path_of = Path::new(path.as_str());
        let stem = path_of.file_stem().unwrap().to_string_lossy().into_owned();
        let name = path_of.file_name().unwrap().to_string_lossy().into_owned();
        let folder = path_of.parent().unwrap();
        if path.ends_with("/mod.rs") {
            let parent = folder.file_name().unwrap().to_string_lossy().into_owned();
            return code.contains(&format!("mod {parent};"));
        }
        if path.ends_with(".rs") && path != "tests/fuzz/target.rs" {
            return manifest.contains(&format!("path = \"{path}\""))
                || code.contains(&format!("mod {stem};"));
        }
        // A package of its own, which is built where there is a fuzzer.
        if path.starts_with("tests/fuzz/") && path != "tests/fuzz/entries.rs" {
            return check.contains("tests/fuzz");
        }
        // A README tells where the files beside it come from.
        let is_read = code.contains(&name) || unit.contains(&name) || check.contains(path.as_str());
        name == "README" || path == "tests/run" || is_read
    };
    paths.iter().filter(|path| !is_used(path)).cloned().collect()
}

#[test]
fn every_test_file_is_used() {
    let paths = files("tests");
    assert_eq!(unused_tests(&paths, text), [""; 0]);
    let alone = ["tests/suite/alone.rs".to_owned(), "tests/fixtures/alone.bin".to_owned()];
    assert_eq!(unused_tests(&alone, |_| String::new()), alone);
    assert!(text(".ci/run").contains("tests/run"));
}

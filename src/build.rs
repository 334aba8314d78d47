//! Which commit a release is built from, for `--version`: told by whoever packages it, by the archive
//! that it was unpacked from, or by the repository around it. A debug build doesn't ask, so that a
//! commit does not build everything anew.

use std::{
    env, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// Filled in by `git archive`, see .gitattributes.
const ARCHIVED: &str = "$Format:%H$";

/// How much of a commit's name tells it from others.
const SHOWN: usize = 12;

fn main() -> io::Result<()> {
    let mut told = io::stdout();
    writeln!(told, "cargo::rerun-if-changed=src/build.rs")?;
    writeln!(told, "cargo::rerun-if-env-changed=TRIM_BEACONS_COMMIT")?;
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let mut seen = Vec::new();
    let commit = env::var("TRIM_BEACONS_COMMIT")
        .ok()
        .or_else(|| (!ARCHIVED.starts_with('$')).then(|| ARCHIVED.to_owned()))
        .or_else(|| is_release.then(|| packaged(&root)).flatten())
        .or_else(|| is_release.then(|| checked_out(&root, &mut seen)).flatten());
    for file in seen {
        writeln!(told, "cargo::rerun-if-changed={}", file.display())?;
    }
    let of = match commit.as_deref().map(str::trim) {
        Some(commit) => commit.get(..SHOWN).unwrap_or(commit).to_owned(),
        None if is_release => "commit unknown".to_owned(),
        None => "debug build".to_owned(),
    };
    let version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    writeln!(told, "cargo::rustc-env=TRIM_BEACONS_VERSION={version} ({of})")
}

/// The commit that `cargo package` notes.
fn packaged(root: &Path) -> Option<String> {
    let noted = fs::read_to_string(root.join(".cargo_vcs_info.json")).ok()?;
    let (_, rest) = noted.split_once("\"sha1\": \"")?;
    rest.split('"').next().map(str::to_owned)
}

/// The commit that is checked out, and the files that change with it.
fn checked_out(root: &Path, seen: &mut Vec<PathBuf>) -> Option<String> {
    let git = root.join(".git");
    // In a worktree `.git` is a file that tells the folder.
    let folder = match fs::read_to_string(&git) {
        Ok(told) => root.join(told.trim().strip_prefix("gitdir: ")?),
        Err(_) => git,
    };
    let head_file = folder.join("HEAD");
    let head = fs::read_to_string(&head_file).ok()?;
    seen.push(head_file);
    let Some(branch) = head.trim().strip_prefix("ref: ") else { return Some(head) };
    let common = match fs::read_to_string(folder.join("commondir")) {
        Ok(told) => folder.join(told.trim()),
        Err(_) => folder,
    };
    let loose = common.join(branch);
    if let Ok(commit) = fs::read_to_string(&loose) {
        seen.push(loose);
        return Some(commit);
    }
    let packed_file = common.join("packed-refs");
    let packed = fs::read_to_string(&packed_file).ok()?;
    seen.push(packed_file);
    let line = packed.lines().find(|line| line.ends_with(&format!(" {branch}")))?;
    line.split(' ').next().map(str::to_owned)
}

//! A source file, parsed, and the paths that its code names.

use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Attribute, ItemMod, Lit, LitStr, Macro, UseTree,
    visit::{self, Visit},
};

/// One file of Rust.
pub(crate) struct Source {
    /// Where it lies, from the root of the repository: `src/store/names.rs`.
    pub(crate) path: String,
    /// What it says.
    pub(crate) text: String,
    /// Every path in it, from the root of the crate that it leads into.
    pub(crate) names: Vec<Name>,
    /// Every string in it.
    pub(crate) strings: Vec<String>,
    /// Every attribute, as its path and what stands in its brackets.
    pub(crate) attributes: Vec<(String, String)>,
}

/// A path that code names, resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    /// Whether it leads into this crate.
    pub(crate) is_own: bool,
    /// Its segments, without `crate`.
    pub(crate) segments: Vec<String>,
}

impl Source {
    pub(crate) fn parse(path: &str, text: &str) -> Self {
        let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut reader = Reader { module: module_of(path), ..Reader::default() };
        reader.visit_file(&file);
        let Reader { names, strings, attributes, .. } = reader;
        Self { path: path.to_owned(), text: text.to_owned(), names, strings, attributes }
    }

    /// The room that the file belongs to; `main` and `lib` are rooms of their own.
    pub(crate) fn room(&self) -> Option<String> {
        let inside = self.path.strip_prefix("src/")?;
        let first = inside.split('/').next()?;
        Some(first.strip_suffix(".rs").unwrap_or(first).to_owned())
    }
}

/// The path of the module in a file: `src/store/names.rs` is `store::names`.
fn module_of(path: &str) -> Vec<String> {
    let inside = path.strip_prefix("src/").unwrap_or(path);
    let inside = Path::new(inside.strip_suffix(".rs").unwrap_or(inside));
    let mut module: Vec<String> =
        inside.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if matches!(module.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        module.pop();
    }
    module
}

#[derive(Default)]
struct Reader {
    module: Vec<String>,
    names: Vec<Name>,
    strings: Vec<String>,
    attributes: Vec<(String, String)>,
}

impl Reader {
    fn name(&mut self, segments: &[String]) {
        let (is_own, segments) = match segments.first().map(String::as_str) {
            Some("crate" | "trim_beacons") => {
                (true, segments.get(1..).unwrap_or_default().to_vec())
            }
            Some("self" | "super") => (true, self.resolved(segments)),
            _ => (false, segments.to_vec()),
        };
        if !segments.is_empty() {
            self.names.push(Name { is_own, segments });
        }
    }

    fn resolved(&self, segments: &[String]) -> Vec<String> {
        let mut path = self.module.clone();
        let mut rest = segments;
        while let [first, tail @ ..] = rest {
            match first.as_str() {
                "self" => {}
                "super" => {
                    path.pop();
                }
                _ => break,
            }
            rest = tail;
        }
        // `super` alone, as in `pub(super)`, names no more than the module it leads to.
        if !rest.is_empty() {
            path.extend_from_slice(rest);
        }
        path
    }

    fn tree(&mut self, tree: &UseTree, before: &[String]) {
        let with = |ident: &dyn ToString| {
            let mut path = before.to_vec();
            path.push(ident.to_string());
            path
        };
        match tree {
            UseTree::Path(path) => self.tree(&path.tree, &with(&path.ident)),
            UseTree::Name(name) if name.ident == "self" => self.name(before),
            UseTree::Name(name) => self.name(&with(&name.ident)),
            UseTree::Rename(rename) => self.name(&with(&rename.ident)),
            UseTree::Glob(_) => self.name(&with(&"*")),
            UseTree::Group(group) => group.items.iter().for_each(|item| self.tree(item, before)),
        }
    }

    /// The paths and strings in tokens that are not parsed: the arguments of macros and attributes.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match &token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => {
                    colons += 1;
                    continue;
                }
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.unparsed_path(&mut path);
                    }
                    path.push(ident.to_string());
                }
                TokenTree::Group(group) => {
                    self.unparsed_path(&mut path);
                    self.tokens(group.stream());
                }
                TokenTree::Literal(literal) => {
                    self.unparsed_path(&mut path);
                    if let Ok(Lit::Str(text)) = syn::parse_str(&literal.to_string()) {
                        self.strings.push(text.value());
                    }
                }
                TokenTree::Punct(_) => self.unparsed_path(&mut path),
            }
            colons = 0;
        }
        self.unparsed_path(&mut path);
    }

    fn unparsed_path(&mut self, path: &mut Vec<String>) {
        if path.len() > 1 {
            self.name(path);
        }
        path.clear();
    }
}

impl Visit<'_> for Reader {
    fn visit_item_use(&mut self, item: &syn::ItemUse) {
        self.tree(&item.tree, &[]);
        visit::visit_item_use(self, item);
    }

    fn visit_item_mod(&mut self, item: &ItemMod) {
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_path(&mut self, path: &syn::Path) {
        let segments: Vec<String> =
            path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if segments.len() > 1 {
            self.name(&segments);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &Macro) {
        self.tokens(called.tokens.clone());
        visit::visit_macro(self, called);
    }

    fn visit_attribute(&mut self, attribute: &Attribute) {
        let path = attribute.path().segments.iter().map(|segment| segment.ident.to_string());
        let path = path.collect::<Vec<_>>().join("::");
        let inside = match &attribute.meta {
            syn::Meta::List(list) => list.tokens.clone(),
            _ => TokenStream::new(),
        };
        self.attributes.push((path.clone(), inside.to_string()));
        // What documentation says is not code.
        if path != "doc" {
            self.tokens(inside);
            visit::visit_attribute(self, attribute);
        }
    }

    fn visit_lit_str(&mut self, text: &LitStr) {
        self.strings.push(text.value());
    }
}

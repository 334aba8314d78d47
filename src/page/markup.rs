//! Reads the markup of finished pages, as strictly as tests need it: no parser for the wild.

/// An element as it opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    /// The names of the elements around it, the outermost first.
    pub(super) around: Vec<String>,
}

impl Element {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// The elements that have no end.
const VOID: [&str; 5] = ["br", "img", "input", "link", "meta"];

/// Every element of a page in order, or what is wrong with its nesting or its quotes.
pub(super) fn elements(html: &str) -> Result<Vec<Element>, String> {
    let mut elements = Vec::new();
    let mut open: Vec<String> = Vec::new();
    let mut rest = html.strip_prefix("<!doctype html>").ok_or("no doctype")?;
    while let Some((_, from_tag)) = rest.split_once('<') {
        let (tag, after) = whole_tag(from_tag).ok_or_else(|| near("unended tag", from_tag))?;
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop().as_deref() != Some(name) {
                return Err(near("an end without its beginning", from_tag));
            }
            continue;
        }
        let (tag, closed) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let (name, attributes) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
        let attributes = read_attributes(attributes).ok_or_else(|| near("attributes", from_tag))?;
        if !name.chars().all(|letter| letter.is_ascii_alphanumeric()) || name.is_empty() {
            return Err(near("an unescaped <", from_tag));
        }
        elements.push(Element { name: name.to_owned(), attributes, around: open.clone() });
        if !closed && !VOID.contains(&name) {
            open.push(name.to_owned());
        }
    }
    if open.is_empty() { Ok(elements) } else { Err(format!("never ended: {open:?}")) }
}

/// A tag up to its `>`, which may stand between quotes before, and what follows.
fn whole_tag(text: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    for (index, character) in text.char_indices() {
        match character {
            '"' => quoted = !quoted,
            '>' if !quoted => return Some((text.get(..index)?, text.get(index + 1..)?)),
            _ => {}
        }
    }
    None
}

fn read_attributes(text: &str) -> Option<Vec<(String, String)>> {
    let mut attributes = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest.find(|it: char| it == '=' || it.is_whitespace()).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let (value, after) = match after.strip_prefix("=\"") {
            Some(quoted) => quoted.split_once('"')?,
            None if after.starts_with('=') => return None,
            None => ("", after),
        };
        attributes.push((name.to_owned(), value.to_owned()));
        rest = after.trim_start();
    }
    Some(attributes)
}

fn near(what: &str, text: &str) -> String {
    format!("{what} near <{}", text.chars().take(60).collect::<String>())
}

#[test]
fn broken_markup_is_noticed() {
    let checks = |body: &str| elements(&format!("<!doctype html>{body}")).is_ok();
    assert!(checks(r#"<p class="a" hidden>text<br><svg><rect width="1"/></svg></p>"#));
    for broken in ["<p>", "</p>", "<p><b></p></b>", "<p class=a></p>", "a < b", r#"<p id="></p>"#] {
        assert!(!checks(broken), "{broken}");
    }
}

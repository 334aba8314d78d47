//! The files that the binary carries for browsers: the script, the style, the icon.

use std::sync::LazyLock;

use bytes::Bytes;
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "assets/"]
#[include = "*.js"]
#[include = "*.css"]
#[include = "*.svg"]
struct Embedded;

/// A file and what a browser needs to know of it.
#[derive(Debug, Clone)]
pub struct Asset {
    /// Its name in the source tree: `dashboard.css`.
    pub name: String,
    /// Its name with its hash, under which it never changes: `dashboard.0123456789abcdef.css`.
    pub hashed_name: String,
    /// The first 16 hex digits of the hash of its content.
    pub hash: String,
    /// Its content type.
    pub kind: &'static str,
    /// Its content.
    pub content: Bytes,
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    Embedded::iter()
        .filter_map(|name| asset(&name, Embedded::get(&name)?.data.into_owned()))
        .collect()
});

/// The file with this hashed name.
pub fn by_hashed_name(hashed_name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.hashed_name == hashed_name)
}

/// The scripts that pages of sites load, under these very names.
pub const SCRIPTS: [&str; 3] = ["tb.js", "tb-errors.js", "tb-vitals.js"];

/// The script called `name`, one of [`SCRIPTS`].
pub fn script(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name && SCRIPTS.contains(&name))
}

/// What `script` says once it sends to `endpoint`, a path, in place of `/beacon`.
pub fn sending_to(script: &Asset, endpoint: &str) -> Bytes {
    let text = String::from_utf8_lossy(&script.content);
    text.replace("'/beacon'", &format!("'{endpoint}'")).into_bytes().into()
}

/// The path of the file called `name` in the source tree; empty if there is none.
pub fn path(name: &str) -> String {
    let asset = ASSETS.iter().find(|asset| asset.name == name);
    asset.map(|asset| format!("/assets/{}", asset.hashed_name)).unwrap_or_default()
}

fn asset(name: &str, content: Vec<u8>) -> Option<Asset> {
    let (stem, ending) = name.rsplit_once('.')?;
    let kind = match ending {
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => return None,
    };
    let hash = blake3::hash(&content).to_hex().get(..16)?.to_owned();
    let hashed_name = format!("{stem}.{hash}.{ending}");
    Some(Asset { name: name.to_owned(), hashed_name, hash, kind, content: content.into() })
}

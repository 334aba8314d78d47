//! What a foreign file tells, whatever its format: a request, a hit, or the sum of a day.

use std::{
    borrow::Cow,
    net::{IpAddr, Ipv6Addr},
};

/// Endings of paths that are no pages: what pages are made of, what is fetched by programs, and what
/// is downloaded.
const ASSETS: &[&str] = &[
    "7z",
    "aac",
    "apk",
    "appcache",
    "asc",
    "atom",
    "avi",
    "avif",
    "bin",
    "bmp",
    "bz2",
    "cjs",
    "conf",
    "css",
    "csv",
    "cur",
    "dat",
    "deb",
    "dmg",
    "doc",
    "docx",
    "eot",
    "eps",
    "epub",
    "exe",
    "flac",
    "flv",
    "gif",
    "gz",
    "heic",
    "ico",
    "ics",
    "iso",
    "jar",
    "jpeg",
    "jpg",
    "js",
    "json",
    "jsonld",
    "jxl",
    "key",
    "log",
    "m3u8",
    "m4a",
    "m4v",
    "map",
    "md5",
    "mid",
    "mjs",
    "mkv",
    "mov",
    "mp3",
    "mp4",
    "mpeg",
    "mpg",
    "mpd",
    "msi",
    "odp",
    "ods",
    "odt",
    "oga",
    "ogg",
    "ogv",
    "opus",
    "otf",
    "pdf",
    "pkg",
    "png",
    "ppt",
    "pptx",
    "ps",
    "psd",
    "rar",
    "rdf",
    "rpm",
    "rss",
    "rtf",
    "sha256",
    "sig",
    "svg",
    "svgz",
    "swf",
    "tar",
    "tgz",
    "tif",
    "tiff",
    "torrent",
    "ts",
    "ttf",
    "txt",
    "vcf",
    "vtt",
    "wasm",
    "wav",
    "webm",
    "webmanifest",
    "webp",
    "wmv",
    "woff",
    "woff2",
    "xls",
    "xlsx",
    "xml",
    "xpi",
    "xsd",
    "xsl",
    "xz",
    "yaml",
    "yml",
    "zip",
    "zst",
];

/// The longest ending of a path that is looked at, in bytes.
const ENDING_BYTES_MAX: usize = 16;

/// The kinds of content that are pages, where a log tells the kind.
const PAGE_TYPES: [&str; 2] = ["text/html", "application/xhtml+xml"];

/// A request that a web server has logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged<'l> {
    /// When, UTC milliseconds.
    pub at_ms: i64,
    /// Who, or a stand-in where the log has a name or nothing.
    pub client: IpAddr,
    /// The host that was asked, as it is written, where the log tells it.
    pub host: Option<Cow<'l, str>>,
    /// The method; empty if the request was none.
    pub method: Cow<'l, str>,
    /// Path and query, or whatever stood in their place.
    pub target: Cow<'l, str>,
    /// The status of the answer.
    pub status: u16,
    /// The type of what was answered, where the log tells it.
    pub content_type: Option<Cow<'l, str>>,
    /// `Referer`, where there was one.
    pub referrer: Option<Cow<'l, str>>,
    /// `User-Agent`, empty if none was sent; `None` where the log does not tell.
    pub user_agent: Option<Cow<'l, str>>,
    /// `Accept-Language`, where the log tells it.
    pub languages: Option<Cow<'l, str>>,
}

/// What a logged request was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A page that was shown.
    Page,
    /// A picture, a script, a feed, a download.
    Asset,
    /// Something that is not there (404, 410).
    NotFound,
    /// Something that is elsewhere.
    Redirect,
    /// Something that was refused or went wrong.
    Failed,
    /// Not the fetching of anything: another method, a request to a proxy, no HTTP at all.
    Other,
}

impl Logged<'_> {
    /// What it was about.
    pub fn kind(&self) -> Kind {
        if self.method != "GET" || !self.target.starts_with('/') {
            return Kind::Other;
        }
        match self.status {
            404 | 410 => Kind::NotFound,
            301 | 302 | 303 | 307 | 308 => Kind::Redirect,
            // A part of a file: players and downloads ask for those.
            206 => Kind::Asset,
            200 | 203 | 304 if self.is_asset() => Kind::Asset,
            200 | 203 | 304 => Kind::Page,
            400.. => Kind::Failed,
            _ => Kind::Other,
        }
    }

    fn is_asset(&self) -> bool {
        let told = self.content_type.as_deref().map(str::trim).filter(|told| !told.is_empty());
        if let Some(told) = told {
            let kind = told.split(';').next().unwrap_or(told).trim();
            return !PAGE_TYPES.iter().any(|page| page.eq_ignore_ascii_case(kind));
        }
        let path = self.target.split(['?', '#']).next().unwrap_or_default();
        let name = path.rsplit('/').next().unwrap_or_default();
        let Some((_, ending)) = name.rsplit_once('.') else { return false };
        ending.len() <= ENDING_BYTES_MAX
            && ASSETS.iter().any(|asset| asset.eq_ignore_ascii_case(ending))
    }
}

/// What a line holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line<'l> {
    /// A request.
    Request(Box<Logged<'l>>),
    /// Nothing to be counted: a comment, an empty line, another log's message.
    Nothing,
}

/// Reads the lines of one log, one after the other.
pub trait Lines {
    /// What `line` holds, which has no end of line. What came before may matter: a log may name its
    /// columns in a line of their own.
    ///
    /// # Errors
    /// With what is wrong, in words that quote nothing of the line.
    fn read<'l>(&mut self, line: &'l str) -> Result<Line<'l>, &'static str>;
}

/// A format of logs.
#[derive(Debug, Clone, Copy)]
pub struct LogFormat {
    /// Its name on the command line.
    pub name: &'static str,
    /// A reader for a log of this format.
    pub reader: fn() -> Box<dyn Lines + Send>,
    /// Lines of such a log, for whoever wonders and for the tests.
    pub example: &'static str,
}

/// An address for who has none, made of what there is instead: a host name, the id of a session.
///
/// It lies in the networks that belong to nobody (RFC 4193), so that no country is found for it.
pub fn stand_in(name: &str) -> IpAddr {
    let hash = blake3::hash(name.as_bytes());
    let (chunks, _) = hash.as_bytes().as_chunks::<16>();
    let mut octets = chunks.first().copied().unwrap_or_default();
    octets[0] = 0xfd;
    IpAddr::V6(Ipv6Addr::from(octets))
}

/// The address that `text` writes, with or without a port and brackets, else a stand-in.
pub fn client(text: &str) -> IpAddr {
    if let Ok(address) = text.parse() {
        return address;
    }
    let bare = match (text.strip_prefix('['), text.rsplit_once(':')) {
        (Some(rest), _) => rest.split(']').next().unwrap_or(rest),
        (None, Some((host, port))) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => text,
    };
    bare.split('%').next().and_then(|bare| bare.parse().ok()).unwrap_or_else(|| stand_in(text))
}

/// `text`, unless it is one of the marks for nothing.
pub fn told(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    (!text.is_empty() && text != "-").then_some(text)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;

    fn kind(method: &str, target: &str, status: u16, content_type: Option<&str>) -> Kind {
        Logged {
            at_ms: 0,
            client: stand_in(""),
            host: None,
            method: method.into(),
            target: target.into(),
            status,
            content_type: content_type.map(Into::into),
            referrer: None,
            user_agent: None,
            languages: None,
        }
        .kind()
    }

    #[test]
    fn only_what_was_shown_as_a_page_is_one() {
        for (method, target, status, expected) in [
            ("GET", "/", 200, Kind::Page),
            ("GET", "/a.b/c?x=y.png", 304, Kind::Page),
            ("GET", "/john.doe", 200, Kind::Page),
            ("GET", "/a.HTML", 200, Kind::Page),
            ("GET", "/a.PNG?v=1", 200, Kind::Asset),
            ("GET", "/film", 206, Kind::Asset),
            ("GET", "/a.png", 404, Kind::NotFound),
            ("GET", "/a", 301, Kind::Redirect),
            ("GET", "/a", 500, Kind::Failed),
            ("GET", "/a", 400, Kind::Failed),
            ("GET", "/a", 204, Kind::Other),
            ("HEAD", "/", 200, Kind::Other),
            ("POST", "/", 200, Kind::Other),
            ("GET", "http://other.example/", 200, Kind::Other),
            ("", "\u{16}\u{3}", 400, Kind::Other),
        ] {
            assert_eq!(kind(method, target, status, None), expected, "{method} {target} {status}");
        }
        assert_eq!(kind("GET", "/a", 200, Some("image/png")), Kind::Asset);
        assert_eq!(kind("GET", "/a.php", 200, Some("text/HTML; charset=utf-8")), Kind::Page);
        assert_eq!(kind("GET", "/a.png", 200, Some("text/html")), Kind::Page);
    }

    #[test]
    fn addresses_are_read_however_they_are_written() {
        for (text, expected) in [
            ("192.0.2.1", "192.0.2.1"),
            ("192.0.2.1:443", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("fe80::1%eth0", "fe80::1"),
        ] {
            assert_eq!(client(text), expected.parse::<IpAddr>().unwrap(), "{text}");
        }
        assert_eq!(client("a.example"), stand_in("a.example"));
        assert_ne!(client("a.example"), client("b.example"));
    }
}

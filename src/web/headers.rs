//! The headers that every answer has, whoever made it: what a browser may do with it. What an answer
//! says for itself stays.

use hyper::{
    HeaderMap, Response,
    header::{self, HeaderName, HeaderValue},
};

/// For what is no page: nothing of it may be run or framed.
const DATA_POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";

/// What pages have no use for.
const PERMISSIONS: &str = "accelerometer=(), autoplay=(), browsing-topics=(), camera=(), \
     display-capture=(), encrypted-media=(), geolocation=(), gyroscope=(), magnetometer=(), \
     microphone=(), midi=(), payment=(), usb=(), xr-spatial-tracking=()";

/// For a year, browsers come with TLS or not at all.
const HTTPS_ONLY: &str = "max-age=31536000";

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// What answers are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// Pages of others, which send beacons and read next to nothing.
    Sites,
    /// Whoever looks at figures.
    People,
}

/// Adds what `answer` does not say for itself.
pub(super) fn complete<B>(answer: &mut Response<B>, reader: Reader, is_https: bool) {
    let headers = answer.headers_mut();
    add(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    if is_https {
        add(headers, header::STRICT_TRANSPORT_SECURITY, HTTPS_ONLY);
    }
    match reader {
        // A beacon's answer is read by nobody: the fewer bytes, the better.
        Reader::Sites => add(headers, RESOURCE_POLICY, "cross-origin"),
        Reader::People => {
            add(headers, RESOURCE_POLICY, "same-origin");
            if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
                add(headers, header::CONTENT_SECURITY_POLICY, DATA_POLICY);
                add(headers, header::X_FRAME_OPTIONS, "DENY");
            }
            for (name, value) in [
                (header::REFERRER_POLICY, "no-referrer"),
                (header::CACHE_CONTROL, "no-store"),
                (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
                (HeaderName::from_static("permissions-policy"), PERMISSIONS),
            ] {
                add(headers, name, value);
            }
        }
    }
}

fn add(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.entry(name).or_insert(HeaderValue::from_static(value));
}

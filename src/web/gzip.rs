//! Answers as gzip, for clients that take it.

use std::io::Write as _;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    HeaderMap,
    header::{self, HeaderValue},
};

use super::respond::Answer;

/// Below that, in bytes, it would only grow.
const WORTH_BYTES: usize = 512;

/// Whether a client takes gzip (RFC 9110, section 12.5.3).
pub(super) fn is_accepted(headers: &HeaderMap) -> bool {
    let lists = headers.get_all(header::ACCEPT_ENCODING).iter();
    let codings = lists.filter_map(|list| list.to_str().ok()).flat_map(|list| list.split(','));
    codings.into_iter().any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let refused = parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
        name.eq_ignore_ascii_case("gzip") && !refused
    })
}

/// The same answer as gzip, if it is text and long enough to be worth it.
pub(super) async fn encoded(mut answer: Answer) -> Answer {
    let kind = answer.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let is_text = kind.is_some_and(|kind| kind.starts_with(b"text/") || kind.ends_with(b"json"));
    if !is_text {
        return answer;
    }
    // Added, not set: an answer to another origin varies by that already.
    answer.headers_mut().append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    let (mut head, body) = answer.into_parts();
    let Ok(body) = body.collect().await;
    let body = body.to_bytes();
    let shorter = (body.len() >= WORTH_BYTES).then(|| gzip(&body)).flatten();
    match shorter {
        Some(shorter) => {
            head.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            Answer::from_parts(head, Full::new(shorter))
        }
        None => Answer::from_parts(head, Full::new(body)),
    }
}

fn gzip(body: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 3), Compression::default());
    encoder.write_all(body).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;
    use crate::web::respond;

    #[test]
    fn gzip_is_for_those_who_take_it() {
        for (list, accepted) in [
            ("gzip, deflate, br", true),
            ("br;q=1.0, GZIP;q=0.8", true),
            ("gzip;q=0", false),
            ("identity", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, list.parse().unwrap());
            assert_eq!(is_accepted(&headers), accepted, "{list}");
        }
    }

    #[tokio::test]
    async fn what_an_answer_varied_by_before_it_still_does() {
        let mut answer =
            respond::with_body(hyper::StatusCode::OK, "application/json", vec![b' '; 600]);
        respond::set(&mut answer, header::VARY, "Origin");
        let answer = encoded(answer).await;
        let vary: Vec<_> = answer.headers().get_all(header::VARY).iter().collect();
        assert_eq!(vary, ["Origin", "Accept-Encoding"]);
        assert_eq!(answer.headers()[header::CONTENT_ENCODING], "gzip");
    }
}

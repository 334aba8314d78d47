//! Reading a request body: bounded in size and time, and unpacked where it is packed.

use std::{io::Read as _, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};

use crate::{ingest::Rejected, model::rejection::Reason};

/// How long a client may take for its body.
const BODY_TIME: Duration = Duration::from_secs(10);

/// Up to how many declared bytes a body that is too large is taken all the same: a client that is
/// still writing when the connection closes never sees its answer.
const DISCARDED_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// The first bytes of what gzip has packed.
const GZIP: &[u8] = b"\x1f\x8b";

/// Reads `body` of at most `most` bytes; packed by gzip, it may unpack to as many.
///
/// A body that declares to be larger is read only to be thrown away, up to [`DISCARDED_BYTES_MAX`].
///
/// # Errors
/// When it is larger, takes longer than 10 seconds, breaks off, or does not unpack.
pub(super) async fn read(body: Incoming, most: usize) -> Result<Bytes, Rejected> {
    let declared = body.size_hint().lower();
    if declared > u64::try_from(most).unwrap_or(u64::MAX) {
        if declared <= DISCARDED_BYTES_MAX {
            discard(body).await;
        }
        return Err(too_large(most));
    }
    let reading = whole(Limited::new(body, most));
    let bytes = match tokio::time::timeout(BODY_TIME, reading).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(too_large(most)),
        Ok(Err(_)) => return Err(malformed("the body broke off")),
        Err(_) => return Err(malformed("the body did not arrive within 10 seconds")),
    };
    if bytes.starts_with(GZIP) { unpacked(&bytes, most) } else { Ok(bytes) }
}

/// All of `body`. Its pieces are copied where there are several: each holds the whole of what hyper read it
/// into, so that a body that comes byte by byte would hold eight kilobytes for each of them.
async fn whole<B: Body<Data = Bytes> + Unpin>(mut body: B) -> Result<Bytes, B::Error> {
    let mut all = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(piece) = frame?.into_data() else { continue };
        if all.is_empty() && body.is_end_stream() {
            return Ok(piece);
        }
        all.extend_from_slice(&piece);
    }
    Ok(all.into())
}

/// Takes what is left of a body. However that ends, the answer is the same.
async fn discard(mut body: Incoming) {
    let reading = async { while let Some(Ok(_)) = body.frame().await {} };
    let _in_time = tokio::time::timeout(BODY_TIME, reading).await;
}

fn unpacked(bytes: &[u8], most: usize) -> Result<Bytes, Rejected> {
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let mut unpacked = Vec::new();
    let mut reader = flate2::read::MultiGzDecoder::new(bytes).take(limit);
    reader
        .read_to_end(&mut unpacked)
        .map_err(|error| malformed(&format!("the body does not unpack: {error}")))?;
    if unpacked.len() > most { Err(too_large(most)) } else { Ok(unpacked.into()) }
}

fn too_large(most: usize) -> Rejected {
    Rejected::new(Reason::BodyTooLarge, format!("the body is larger than {most} bytes"))
}

fn malformed(sentence: &str) -> Rejected {
    Rejected::new(Reason::Malformed, sentence.to_owned())
}

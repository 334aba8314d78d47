//! Reading a request body: bounded in size and time, and unpacked where it is packed.

use std::{
    error::Error,
    io::Read as _,
    time::{Duration, Instant},
};

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

/// How many times its packed size a body may unpack to, if that is more than [`UNPACKED_BYTES_MIN`]: to read it takes a
/// while, and memory.
const UNPACKED_TIMES_MAX: usize = 50;

/// To so many bytes every body may unpack.
const UNPACKED_BYTES_MIN: usize = 64 * 1024;

/// A body of which the first bytes have come.
pub(super) struct Begun {
    /// The first bytes, or all.
    bytes: Bytes,
    /// What is still to come, if anything is.
    rest: Option<Limited<Incoming>>,
    most: usize,
    /// How long that may take.
    time: Duration,
}

/// Reads `body` of at most `most` bytes; packed by gzip, it may unpack to as many.
///
/// A body that declares to be larger is read only to be thrown away, up to [`DISCARDED_BYTES_MAX`].
///
/// # Errors
/// When it is larger, takes longer than 10 seconds, breaks off, or does not unpack.
pub(super) async fn read(body: Incoming, most: usize) -> Result<Bytes, Rejected> {
    begin(body, most, most).await?.whole().await
}

/// Reads `body`, as [`read`] does, until it ends or more than `first` bytes have come.
///
/// # Errors
/// As [`read`].
pub(super) async fn begin(body: Incoming, most: usize, first: usize) -> Result<Begun, Rejected> {
    let declared = body.size_hint().lower();
    if declared > u64::try_from(most).unwrap_or(u64::MAX) {
        if declared <= DISCARDED_BYTES_MAX {
            discard(body).await;
        }
        return Err(too_large(most));
    }
    let begun = Instant::now();
    let mut body = Limited::new(body, most);
    let bytes = within(BODY_TIME, most, more(&mut body, Bytes::new(), first)).await?;
    let rest = (!body.is_end_stream() && bytes.len() > first).then_some(body);
    Ok(Begun { bytes, rest, most, time: BODY_TIME.saturating_sub(begun.elapsed()) })
}

impl Begun {
    /// Whether nothing is still to come.
    pub(super) const fn is_whole(&self) -> bool {
        self.rest.is_none()
    }

    /// All of the body.
    ///
    /// # Errors
    /// As [`read`].
    pub(super) async fn whole(self) -> Result<Bytes, Rejected> {
        let Self { mut bytes, rest, most, time } = self;
        if let Some(mut rest) = rest {
            bytes = within(time, most, more(&mut rest, bytes, most)).await?;
        }
        if bytes.starts_with(GZIP) { unpacked(&bytes, most) } else { Ok(bytes) }
    }
}

async fn within(
    time: Duration,
    most: usize,
    reading: impl Future<Output = Result<Bytes, Box<dyn Error + Send + Sync>>>,
) -> Result<Bytes, Rejected> {
    match tokio::time::timeout(time, reading).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large(most)),
        Ok(Err(_)) => Err(malformed("the body broke off")),
        Err(_) => Err(malformed("the body did not arrive within 10 seconds")),
    }
}

/// What came of `body` before and what comes now, until it ends or that is more than `enough`. Its pieces are copied
/// where there are several: each holds the whole of what hyper read it into, so that a body that comes byte by byte
/// would hold eight kilobytes for each of them.
async fn more<B: Body<Data = Bytes> + Unpin>(
    body: &mut B,
    before: Bytes,
    enough: usize,
) -> Result<Bytes, B::Error> {
    let mut all = Vec::from(before);
    while all.len() <= enough
        && let Some(frame) = body.frame().await
    {
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
    let most = most.min(UNPACKED_BYTES_MIN.max(bytes.len().saturating_mul(UNPACKED_TIMES_MAX)));
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

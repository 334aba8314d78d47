//! `POST /storage/backup`: a backup of this moment, as a file to keep.

use std::{
    fs::File,
    io::{self, Read as _},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::Either;
use hyper::{
    Response, StatusCode,
    header::{self, HeaderValue},
};
use serde_json::json;
use tokio::{
    sync::{Semaphore, SemaphorePermit, mpsc},
    task,
    time::timeout,
};
use tracing::{error, warn};

use super::{
    live::{Messages, Streamed, whole},
    respond,
};
use crate::{app::App, backup::Prepared, clock, model::period::date_at};

/// One at a time: each is a copy of the whole file on the disk.
static DOWNLOADS: Semaphore = Semaphore::const_new(1);

/// How long one waits for another.
const PATIENCE: Duration = Duration::from_secs(2);

/// How much is read from the copy at once, in bytes.
const CHUNK_BYTES: usize = 64 * 1024;

/// A checked copy of the database, made now.
pub(super) async fn post(app: &App) -> Streamed {
    let failed =
        |status, sentence: &str| whole(respond::json(status, &json!({ "error": sentence })));
    // One that was just sent may not be cleared away yet.
    let Ok(Ok(permit)) = timeout(PATIENCE, DOWNLOADS.acquire()).await else {
        let sentence = "another backup is being downloaded: try again when that is done";
        return failed(StatusCode::SERVICE_UNAVAILABLE, sentence);
    };
    let registry = app.registry.get();
    let made = task::spawn_blocking(move || {
        let copy = Prepared::for_download(&registry).map_err(io::Error::other)?;
        let file = File::open(copy.path())?;
        Ok((file.metadata()?.len(), file, copy))
    })
    .await
    .unwrap_or_else(|error| Err(io::Error::other(error)));
    match made {
        Ok((bytes, file, copy)) => stream(file, bytes, copy, permit),
        Err(error) => {
            error!(%error, "a backup for a download could not be made");
            let sentence = format!("the backup could not be made: {error}");
            failed(StatusCode::INTERNAL_SERVER_ERROR, &sentence)
        }
    }
}

fn stream(file: File, bytes: u64, copy: Prepared, permit: SemaphorePermit<'static>) -> Streamed {
    let (send, receive) = mpsc::channel(1);
    task::spawn_blocking(move || {
        let _until_sent = (copy, permit);
        if let Err(error) = send_all(file, &send) {
            warn!(%error, "a download of a backup broke off");
        }
    });
    let mut answer = Response::new(Either::Right(Messages::new(receive)));
    let today = date_at(clock::now(), &jiff::tz::TimeZone::UTC);
    let disposition = format!("attachment; filename=\"trim-beacons-{today}.db\"");
    for (name, value) in [
        (header::CONTENT_TYPE, "application/vnd.sqlite3".to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::CONTENT_LENGTH, bytes.to_string()),
        (header::CONTENT_DISPOSITION, disposition),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            answer.headers_mut().insert(name, value);
        }
    }
    answer
}

/// Sends the file piece by piece, as fast as it is taken.
fn send_all(mut file: File, send: &mpsc::Sender<Bytes>) -> io::Result<()> {
    loop {
        let mut chunk = vec![0; CHUNK_BYTES];
        let length = file.read(&mut chunk)?;
        if length == 0 {
            return Ok(());
        }
        chunk.truncate(length);
        if send.blocking_send(chunk.into()).is_err() {
            // Whoever has hung up does not want the rest.
            return Ok(());
        }
    }
}

//! The gate of one connection: hyper reads through it, and gets only heads that are taken, one request
//! at a time. It knows where each body ends, and how long everything may take.
//!
//! Of a head that is refused hyper reads a stand-in, so that the answer comes in its turn like any
//! other. Nothing that follows is read.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf as _, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

use super::{
    chunks::{Chunks, Progress},
    crowd::Place,
    exchange::Exchange,
    patience::Patience,
    verdict::{self, Framing, Refusal, Scan},
};

/// How long a client may take for the head of a request.
const HEAD_TIME: Duration = Duration::from_secs(5);

/// How long a connection may idle between two requests. With what a busy server takes to end it, no silent
/// client is there for longer than 15 seconds.
const IDLE_TIME: Duration = Duration::from_secs(14);

/// Within this time a client must take so many bytes of an answer that waits for it.
const WRITE_TIME: Duration = Duration::from_secs(10);
const WRITE_BYTES_MIN: usize = 4096;

/// How long, and for how many bytes, what a refused client still sends is thrown away: a client that is
/// still writing when the connection closes never sees its answer.
const LINGER_TIME: Duration = Duration::from_secs(2);
const LINGER_BYTES_MAX: usize = 256 * 1024;

/// How much is read of a head at once; most have less than that.
const READ_BYTES: usize = 2048;

/// What hyper reads of a request that is refused.
const STAND_IN: &[u8] = b"GET / HTTP/1.1\r\nhost: refused\r\nconnection: close\r\n\r\n";

/// Where the gate is.
#[derive(Debug)]
enum Reading {
    /// Before or within a head.
    Head,
    /// A head that is taken: so many bytes of it are still to be passed on, then comes its body.
    Pass(usize, Framing),
    /// A body of which so many bytes are still to come.
    Length(u64),
    /// A body in chunks.
    Chunked(Chunks),
    /// Nothing more is read.
    Closed,
}

/// A connection whose requests were looked at.
#[derive(Debug)]
pub(in crate::web) struct Gate<S> {
    stream: S,
    exchange: Arc<Exchange>,
    place: Place,
    reading: Reading,
    /// What was read and not passed on.
    held: BytesMut,
    /// So many bytes of it were looked at for the end of a head.
    seen: usize,
    /// Whether a request has come before.
    is_kept: bool,
    /// The time for a head, or between two.
    patience: Patience,
    /// The time for a client that takes an answer slowly, and what it has taken in that time.
    stall: Option<(Pin<Box<Sleep>>, usize)>,
    /// How the connection ends, once it does: what was thrown away, and until when.
    linger: Option<(Pin<Box<Sleep>>, usize)>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Gate<S> {
    /// The gate before `stream`.
    pub(in crate::web) fn new(stream: S, place: Place, exchange: Arc<Exchange>) -> Self {
        Self {
            stream,
            exchange,
            place,
            reading: Reading::Head,
            held: BytesMut::new(),
            seen: 0,
            is_kept: false,
            patience: Patience::default(),
            stall: None,
            linger: None,
        }
    }

    /// Waits for the head of the first request, so that a client that never sends one costs next to
    /// nothing. `false` when none comes.
    ///
    /// # Errors
    /// When the connection breaks.
    pub(in crate::web) async fn first(&mut self) -> io::Result<bool> {
        std::future::poll_fn(|context| self.poll_head(context)).await
    }

    /// Waits for a whole head, taken or refused, and makes it ready to be passed on. `false` when the
    /// connection has ended, or shall.
    fn poll_head(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        loop {
            let is_answering = self.exchange.is_answering();
            if is_answering {
                self.exchange.wake_after(context);
                if !self.held.is_empty() {
                    return Poll::Pending;
                }
                // Read ahead, once, to notice a client that is gone.
            } else if self.look() {
                return Poll::Ready(Ok(true));
            } else if self.place.shall_go() {
                return Poll::Ready(Ok(false));
            } else if self.is_out_of_patience(context) {
                if self.held.is_empty() {
                    return Poll::Ready(Ok(false));
                }
                self.refuse(verdict::TOO_SLOW);
                return Poll::Ready(Ok(true));
            }
            match self.poll_more(context)? {
                Poll::Ready(0) => return Poll::Ready(Ok(false)),
                Poll::Ready(_) => {}
                Poll::Pending => {
                    if !is_answering {
                        self.place.wait(context.waker());
                    }
                    return Poll::Pending;
                }
            }
        }
    }

    /// Looks whether a head is complete, or can't become one.
    fn look(&mut self) -> bool {
        // Some clients end a body with a line of its own (RFC 9112, 2.2), which may come in two parts.
        if self.seen == 0 && self.is_kept && self.held.starts_with(b"\r\n") {
            self.held.advance(2);
        } else if self.seen == 0 && self.is_kept && self.held.as_ref() == b"\r" {
            return false;
        }
        match verdict::scan(&self.held, self.seen) {
            Scan::More(seen) => {
                self.seen = seen;
                return false;
            }
            Scan::Refused(refusal) => self.refuse(refusal),
            Scan::End(end) => match verdict::judge(self.held.get(..end).unwrap_or_default()) {
                Ok(framing) => self.let_through(end, framing),
                Err(refusal) => self.refuse(refusal),
            },
        }
        true
    }

    fn let_through(&mut self, head: usize, framing: Framing) {
        let (length, framing) = self.with_body(head, framing);
        let is_open = framing != Framing::Length(0);
        self.exchange.begin(is_open);
        self.reading = Reading::Pass(length, framing);
        self.seen = 0;
        self.is_kept = true;
        self.patience.renew();
        if !is_open {
            self.place.work();
        }
    }

    /// How much is passed on at once of a head of so many bytes, and what is still to come: a body that has come with
    /// its head goes with it, since hyper takes new memory for each part.
    fn with_body(&self, head: usize, framing: Framing) -> (usize, Framing) {
        let Framing::Length(body) = framing else { return (head, framing) };
        let whole = usize::try_from(body).ok().and_then(|body| head.checked_add(body));
        match whole.filter(|whole| *whole <= self.held.len()) {
            Some(whole) => (whole, Framing::Length(0)),
            None => (head, framing),
        }
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.exchange.refuse(refusal);
        self.held.clear();
        self.held.extend_from_slice(STAND_IN);
        self.let_through(STAND_IN.len(), Framing::Length(0));
    }

    /// Whether the head has taken too long.
    fn is_out_of_patience(&mut self, context: &mut Context<'_>) -> bool {
        if self.stall.is_some() {
            // The client still takes the last answer, and that has a time of its own.
            self.patience.renew();
            return false;
        }
        // Once the first byte of a head has come, the rest has less time than an idle connection.
        let is_idle = self.held.is_empty() && self.is_kept;
        self.patience.is_over(if is_idle { IDLE_TIME } else { HEAD_TIME }, context)
    }

    /// Reads more into what is held; 0 at the end.
    fn poll_more(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut some = [0; READ_BYTES];
        let mut buffer = ReadBuf::new(&mut some);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
        self.held.extend_from_slice(buffer.filled());
        Poll::Ready(Ok(buffer.filled().len()))
    }

    /// Passes on what is held, or reads more, `most` bytes at most.
    fn poll_body(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        if !self.held.is_empty() {
            return Poll::Ready(Ok(self.pass(buffer, most)));
        }
        if self.place.shall_go() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let mut limited = ReadBuf::new(buffer.initialize_unfilled_to(most));
        if Pin::new(&mut self.stream).poll_read(context, &mut limited)?.is_pending() {
            self.place.wait(context.waker());
            return Poll::Pending;
        }
        let length = limited.filled().len();
        buffer.advance(length);
        Poll::Ready(Ok(length))
    }

    /// Passes on what is held, `most` bytes at most.
    fn pass(&mut self, buffer: &mut ReadBuf<'_>, most: usize) -> usize {
        let length = self.held.len().min(most).min(buffer.remaining());
        buffer.put_slice(self.held.get(..length).unwrap_or_default());
        self.held.advance(length);
        if self.held.is_empty() {
            // Nothing is kept for a connection that only waits.
            self.held = BytesMut::new();
        }
        length
    }

    /// All of the body has come.
    fn end_body(&mut self) {
        self.exchange.end_body();
        self.place.work();
        self.reading = Reading::Head;
    }

    fn poll_chunks(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
        mut chunks: Chunks,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(self.poll_body(context, buffer, buffer.remaining()))?;
        let new = buffer.filled().get(before..).unwrap_or_default();
        match chunks.take(new) {
            Progress::More => self.reading = Reading::Chunked(chunks),
            Progress::End(end) => {
                // What follows is the next request's.
                let mut held = BytesMut::from(new.get(end..).unwrap_or_default());
                held.unsplit(std::mem::take(&mut self.held));
                self.held = held;
                buffer.set_filled(before + end);
                self.end_body();
            }
            Progress::Malformed => {
                self.reading = Reading::Closed;
                buffer.set_filled(before);
                return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Gate<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            match self.reading {
                Reading::Head => {
                    if !ready!(self.poll_head(context))? {
                        return Poll::Ready(Ok(()));
                    }
                }
                Reading::Pass(left, framing) => {
                    let left = left - self.pass(buffer, left);
                    self.reading = match (left, framing) {
                        (1.., framing) => Reading::Pass(left, framing),
                        (0, Framing::Length(0)) => Reading::Head,
                        (0, Framing::Length(length)) => Reading::Length(length),
                        (0, Framing::Chunked) => Reading::Chunked(Chunks::new()),
                    };
                    return Poll::Ready(Ok(()));
                }
                Reading::Length(left) => {
                    let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.remaining());
                    let length = ready!(self.poll_body(context, buffer, most))?;
                    let left = left.saturating_sub(u64::try_from(length).unwrap_or(u64::MAX));
                    self.reading = Reading::Length(left);
                    if left == 0 {
                        self.end_body();
                    }
                    return Poll::Ready(Ok(()));
                }
                Reading::Chunked(chunks) => return self.poll_chunks(context, buffer, chunks),
                Reading::Closed => return Poll::Pending,
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Gate<S> {
    /// Notes what came of a write; an error when the client takes its answer too slowly.
    fn written(
        &mut self,
        context: &mut Context<'_>,
        outcome: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match outcome {
            Poll::Ready(Ok(length)) => {
                if let Some((_, taken)) = &mut self.stall {
                    *taken += length;
                }
            }
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending => {
                let new = || (Box::pin(sleep(WRITE_TIME)), 0);
                let (time, taken) = self.stall.get_or_insert_with(new);
                while time.as_mut().poll(context).is_ready() {
                    if *taken < WRITE_BYTES_MIN {
                        return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                    }
                    *taken = 0;
                    time.as_mut().reset(Instant::now() + WRITE_TIME);
                }
            }
        }
        outcome
    }

    /// The same of what passes nothing on that can be counted.
    fn timed(
        &mut self,
        context: &mut Context<'_>,
        outcome: Poll<io::Result<()>>,
    ) -> Poll<io::Result<()>> {
        self.written(context, outcome.map_ok(|()| 0)).map_ok(|_| ())
    }

    /// Throws away what a client still sends that was answered before it was done.
    fn poll_linger(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let new = || (Box::pin(sleep(LINGER_TIME)), 0);
        loop {
            let (time, discarded) = self.linger.get_or_insert_with(new);
            if time.as_mut().poll(context).is_ready() || *discarded > LINGER_BYTES_MAX {
                return Poll::Ready(());
            }
            let mut some = [0; READ_BYTES];
            let mut buffer = ReadBuf::new(&mut some);
            match ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => *discarded += buffer.filled().len(),
                // The client is done, or gone.
                _ => return Poll::Ready(()),
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Gate<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(context, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.written(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // By TLS, the end of an answer waits here for a client that does not take it.
        let outcome = Pin::new(&mut self.stream).poll_flush(context);
        ready!(self.timed(context, outcome))?;
        if self.stall.take().is_some() {
            // All was taken. From now on it is the client's turn, so that the time for that begins.
            context.waker().wake_by_ref();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.linger.is_none() {
            let outcome = Pin::new(&mut self.stream).poll_shutdown(context);
            ready!(self.timed(context, outcome))?;
            // A client that is done loses nothing when the connection closes.
            if matches!(self.reading, Reading::Head) && self.held.is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
        self.poll_linger(context).map(Ok)
    }
}

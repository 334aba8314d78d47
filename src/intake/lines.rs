//! A file line by line, whatever it is packed in, with a digest of all that was read.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Cursor, Read},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use flate2::read::MultiGzDecoder;

/// The longest line that is read, in bytes; a longer one is passed over.
pub(super) const LINE_BYTES_MAX: usize = 64 * 1024;

/// How much is read at once.
const BUFFER_BYTES: usize = 256 * 1024;

/// How an export begins that is written in UTF-16, little end first, and how large it may be.
const UTF16_MARK: [u8; 2] = [0xff, 0xfe];
const UTF16_BYTES_MAX: u64 = 256 << 20;

/// The first bytes of every gzip file.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// A part of a file that was read before: how many bytes from its beginning, and their digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Prefix {
    pub(super) bytes: u64,
    pub(super) digest: Vec<u8>,
}

/// One line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line<'l> {
    /// Its bytes, without the end of line; the first [`LINE_BYTES_MAX`] of them.
    pub(super) bytes: &'l [u8],
    /// Its number, from 1.
    pub(super) number: u64,
    /// How many bytes come before it.
    pub(super) begins: u64,
    /// Whether it goes on beyond what is read.
    pub(super) is_too_long: bool,
    /// Whether it has an end of line: without one, more of it may come.
    pub(super) is_ended: bool,
    /// How many bytes from the beginning of the file on are known from before, as far as is read.
    pub(super) known: u64,
}

/// The lines of a file.
pub(super) struct LineReader {
    reader: BufReader<Box<dyn Read>>,
    line: Vec<u8>,
    number: u64,
    bytes: u64,
    hasher: blake3::Hasher,
    /// The digest before the line, where its end was not in sight at first.
    before_line: Option<(u64, blake3::Hasher)>,
    /// Whether a line without an end waits until that is written.
    is_followed: bool,
    /// How many bytes came before a line that waits, and whether that is too long.
    unended: Option<(u64, bool)>,
    /// What may be found further on, the longest first.
    prefixes: Vec<Prefix>,
    /// The longest of the prefixes that was found.
    known: u64,
}

/// Counts what is read.
struct Counting<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.read.fetch_add(length as u64, Relaxed);
        Ok(length)
    }
}

/// Opens the file at `path`, or stdin for `-`, and unpacks it if it is a gzip file. What is read of it, as
/// it lies on the disk, is added to `read`.
pub(super) fn open(path: &Path, read: &Arc<AtomicU64>) -> io::Result<Box<dyn Read>> {
    let raw: Box<dyn Read> =
        if path.as_os_str() == "-" { Box::new(io::stdin()) } else { Box::new(File::open(path)?) };
    let counting = Counting { inner: raw, read: Arc::clone(read) };
    let mut buffered = BufReader::with_capacity(BUFFER_BYTES, counting);
    // A pipe may hand over a single byte at first; then it is taken for text, which it most often is.
    let is_packed = buffered.fill_buf()?.starts_with(&GZIP_MAGIC);
    if is_packed {
        return Ok(Box::new(MultiGzDecoder::new(buffered)));
    }
    if buffered.fill_buf()?.starts_with(&UTF16_MARK) {
        return Ok(Box::new(Cursor::new(from_utf16(buffered)?)));
    }
    Ok(Box::new(buffered))
}

/// Whether the file at `path` is one that [`open`] unpacks or converts: what it reads is not what lies there.
pub(super) fn is_packed(path: &Path) -> io::Result<bool> {
    let mut first = Vec::new();
    File::open(path)?.take(2).read_to_end(&mut first)?;
    Ok([GZIP_MAGIC, UTF16_MARK].iter().any(|mark| first == *mark))
}

/// What `reader` writes in UTF-16, in UTF-8.
fn from_utf16(reader: impl Read) -> io::Result<String> {
    let mut bytes = Vec::new();
    reader.take(UTF16_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > UTF16_BYTES_MAX {
        let why = "it is in UTF-16 and larger than 256 MiB: convert it to UTF-8";
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    let (units, _) = bytes.as_chunks::<2>();
    let units = units.iter().map(|unit| u16::from_le_bytes(*unit));
    Ok(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
}

impl LineReader {
    /// The lines of `reader`, which may begin with one of `prefixes`.
    pub(super) fn new(reader: Box<dyn Read>, mut prefixes: Vec<Prefix>) -> Self {
        prefixes.sort_by_key(|prefix| std::cmp::Reverse(prefix.bytes));
        Self {
            reader: BufReader::with_capacity(BUFFER_BYTES, reader),
            line: Vec::new(),
            number: 0,
            bytes: 0,
            hasher: blake3::Hasher::new(),
            before_line: None,
            is_followed: false,
            unended: None,
            prefixes,
            known: 0,
        }
    }

    /// The same, of a file that is still written: at its end there may be more later, and a line is one
    /// only when it has its end.
    pub(super) fn followed(reader: Box<dyn Read>, prefixes: Vec<Prefix>) -> Self {
        Self { is_followed: true, ..Self::new(reader, prefixes) }
    }

    /// The next line, or `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        let (begins, mut is_too_long) = self.unended.take().unwrap_or_else(|| {
            self.line.clear();
            (self.bytes, false)
        });
        let mut is_ended = false;
        while !is_ended {
            let available = match self.reader.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                available => available?,
            };
            if available.is_empty() {
                break;
            }
            let end = available.iter().position(|byte| *byte == b'\n');
            is_ended = end.is_some();
            if self.bytes == begins {
                self.before_line = (!is_ended).then(|| (begins, self.hasher.clone()));
            }
            let taken = end.map_or(available.len(), |end| end + 1);
            let content = available.get(..end.unwrap_or(taken)).unwrap_or_default();
            let room = LINE_BYTES_MAX - self.line.len();
            is_too_long |= content.len() > room;
            self.line.extend_from_slice(content.get(..room).unwrap_or(content));
            let taken_bytes = available.get(..taken).unwrap_or_default();
            digest(
                taken_bytes,
                &mut self.hasher,
                &mut self.bytes,
                &mut self.prefixes,
                &mut self.known,
            );
            self.reader.consume(taken);
        }
        if self.bytes == begins {
            return Ok(None);
        }
        if is_ended {
            self.before_line = None;
        }
        if self.is_followed && !is_ended {
            self.unended = Some((begins, is_too_long));
            return Ok(None);
        }
        self.number += 1;
        let bytes = self.line.strip_suffix(b"\r").unwrap_or(&self.line);
        let (number, known) = (self.number, self.known);
        Ok(Some(Line { bytes, number, begins, is_too_long, is_ended, known }))
    }

    /// How many bytes from the beginning on are known from before.
    pub(super) const fn known(&self) -> u64 {
        self.known
    }

    /// How many bytes were read, and their digest.
    pub(super) fn so_far(&self) -> Prefix {
        Prefix { bytes: self.bytes, digest: self.hasher.finalize().as_bytes().to_vec() }
    }

    /// The same, but for the last line if that had no end.
    pub(super) fn without_last(&self) -> Prefix {
        let Some((bytes, hasher)) = &self.before_line else { return self.so_far() };
        Prefix { bytes: *bytes, digest: hasher.finalize().as_bytes().to_vec() }
    }
}

/// Takes `content` into the digest, and looks on the way whether a prefix ends there.
fn digest(
    mut content: &[u8],
    hasher: &mut blake3::Hasher,
    bytes: &mut u64,
    prefixes: &mut Vec<Prefix>,
    known: &mut u64,
) {
    while let Some(next) = prefixes.pop_if(|next| next.bytes <= *bytes + content.len() as u64) {
        if next.bytes > *bytes {
            let length = usize::try_from(next.bytes - *bytes).unwrap_or(content.len());
            let (before, after) = content.split_at(length.min(content.len()));
            hasher.update(before);
            *bytes = next.bytes;
            content = after;
        }
        if next.bytes == *bytes && hasher.finalize().as_bytes() == next.digest.as_slice() {
            *known = next.bytes;
        }
    }
    hasher.update(content);
    *bytes += content.len() as u64;
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;

    fn reader(text: &[u8], prefixes: Vec<Prefix>) -> LineReader {
        LineReader::new(Box::new(io::Cursor::new(text.to_vec())), prefixes)
    }

    fn prefix(text: &[u8]) -> Prefix {
        Prefix { bytes: text.len() as u64, digest: blake3::hash(text).as_bytes().to_vec() }
    }

    #[test]
    fn lines_are_read_with_their_numbers_and_places() {
        let mut lines = reader(b"one\r\n\ntwo", Vec::new());
        let one = lines.next().unwrap().unwrap();
        assert_eq!((one.bytes, one.number, one.begins, one.is_ended), (&b"one"[..], 1, 0, true));
        assert_eq!(lines.next().unwrap().unwrap().bytes, b"");
        let two = lines.next().unwrap().unwrap();
        assert_eq!((two.bytes, two.number, two.begins, two.is_ended), (&b"two"[..], 3, 6, false));
        assert!(lines.next().unwrap().is_none());
        assert_eq!(lines.so_far(), prefix(b"one\r\n\ntwo"));
        assert_eq!(lines.without_last(), prefix(b"one\r\n\n"));
    }

    #[test]
    fn an_endless_line_is_cut_and_passed_over() {
        let text = [vec![b'x'; LINE_BYTES_MAX * 9], b"\nnext\n".to_vec()].concat();
        let mut lines = reader(&text, Vec::new());
        let long = lines.next().unwrap().unwrap();
        assert!(long.is_too_long && long.bytes.len() == LINE_BYTES_MAX);
        assert_eq!(lines.next().unwrap().unwrap().bytes, b"next");
    }

    #[test]
    fn a_line_that_is_being_written_waits_for_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        std::fs::write(&path, "one\ntw").unwrap();
        let mut lines = LineReader::followed(open(&path, &Arc::default()).unwrap(), Vec::new());
        assert_eq!(lines.next().unwrap().unwrap().bytes, b"one");
        assert!(lines.next().unwrap().is_none() && lines.next().unwrap().is_none());
        assert_eq!(lines.without_last(), prefix(b"one\n"));
        std::fs::write(&path, "one\ntwo\n").unwrap();
        let two = lines.next().unwrap().unwrap();
        assert_eq!((two.bytes, two.number, two.begins), (&b"two"[..], 2, 4));
        assert_eq!(lines.without_last(), prefix(b"one\ntwo\n"));
        std::fs::write(&path, "one\ntwo\nthree").unwrap();
        assert!(lines.next().unwrap().is_none());
        assert_eq!(lines.without_last(), prefix(b"one\ntwo\n"));
    }

    #[test]
    fn utf_16_is_read() {
        let text = "\u{feff}a,é\n";
        let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(from_utf16(bytes.as_slice()).unwrap(), text);
    }

    #[test]
    fn the_longest_prefix_that_is_the_same_is_found() {
        let prefixes =
            vec![prefix(b"a\n"), prefix(b"a\nb"), prefix(b"a\nx"), prefix(b"a\nb\nother")];
        let mut lines = reader(b"a\nb\nc\nmore than that", prefixes);
        while lines.next().unwrap().is_some() {}
        assert_eq!(lines.known(), 3);
    }
}

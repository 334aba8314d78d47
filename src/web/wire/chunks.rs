//! Where a body in chunks ends (RFC 9112, 7.1, read strictly).

/// The longest line of a size and its extensions, and the longest trailer, in bytes.
const LINE_BYTES_MAX: u32 = 4096;

/// The most digits of a size: no body has more than 2^60 bytes.
const DIGITS_MAX: u32 = 15;

/// What a chunked body has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chunks {
    place: Place,
    /// Bytes of this line so far.
    line: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Size { size: u64, digits: u32 },
    Extension { size: u64 },
    SizeEnd { size: u64 },
    Data { left: u64 },
    DataReturn,
    DataEnd,
    Trailer { is_empty: bool },
    TrailerEnd { is_empty: bool },
}

/// What is wrong with it, or how far it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// All bytes belong to it, and more are to come.
    More,
    /// It ends after so many bytes.
    End(usize),
    /// It is no body in chunks.
    Malformed,
}

impl Chunks {
    /// A body of which nothing has come.
    pub(super) const fn new() -> Self {
        Self { place: Place::Size { size: 0, digits: 0 }, line: 0 }
    }

    /// Goes on with `bytes`.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Progress {
        let mut at = 0;
        while let Some(byte) = bytes.get(at).copied() {
            if let Place::Data { left } = self.place {
                let there = u64::try_from(bytes.len() - at).unwrap_or(u64::MAX).min(left);
                at += usize::try_from(there).unwrap_or(usize::MAX);
                let left = left - there;
                self.place = if left == 0 { Place::DataReturn } else { Place::Data { left } };
                continue;
            }
            at += 1;
            let is_end =
                matches!((self.place, byte), (Place::TrailerEnd { is_empty: true }, b'\n'));
            if is_end {
                return Progress::End(at);
            }
            let Some(next) = self.next(byte) else { return Progress::Malformed };
            self.place = next;
        }
        Progress::More
    }

    /// The place after `byte`, which is no data; `None` when it must not stand here.
    fn next(&mut self, byte: u8) -> Option<Place> {
        self.line = if byte == b'\n' { 0 } else { self.line + 1 };
        if self.line > LINE_BYTES_MAX {
            return None;
        }
        let is_text = byte == b'\t' || (byte >= b' ' && byte != 0x7f);
        Some(match (self.place, byte) {
            (Place::Size { size, digits }, _)
                if byte.is_ascii_hexdigit() && digits < DIGITS_MAX =>
            {
                let digit = char::from(byte).to_digit(16)?;
                Place::Size { size: size * 16 + u64::from(digit), digits: digits + 1 }
            }
            (Place::Size { size, digits: 1.. } | Place::Extension { size }, b'\r') => {
                Place::SizeEnd { size }
            }
            (Place::Size { size, digits: 1.. }, b';') => Place::Extension { size },
            (Place::Extension { size }, _) if is_text => Place::Extension { size },
            (Place::SizeEnd { size: 0 }, b'\n') => Place::Trailer { is_empty: true },
            (Place::SizeEnd { size }, b'\n') => Place::Data { left: size },
            (Place::DataReturn, b'\r') => Place::DataEnd,
            (Place::DataEnd, b'\n') => Place::Size { size: 0, digits: 0 },
            (Place::Trailer { is_empty }, b'\r') => Place::TrailerEnd { is_empty },
            (Place::Trailer { is_empty }, b' ' | b'\t') if is_empty => return None,
            (Place::Trailer { .. }, _) if is_text => Place::Trailer { is_empty: false },
            (Place::TrailerEnd { is_empty: false }, b'\n') => Place::Trailer { is_empty: true },
            _ => return None,
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(body: &str, expected: Progress) {
        assert_eq!(Chunks::new().take(body.as_bytes()), expected, "{body:?}");
    }

    #[test]
    fn bodies_end_where_they_say() {
        check("0\r\n\r\n", Progress::End(5));
        check("3\r\nabc\r\n0\r\n\r\nGET /", Progress::End(13));
        check("3;a=\"b\"\r\nabc\r\n0\r\n\r\n", Progress::End(19));
        check("00A\r\n0123456789\r\n0\r\nX: y\r\n\r\n", Progress::End(28));
        check("3\r\nab", Progress::More);
        check("3\r\nabc\r\n0\r\n", Progress::More);
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_malformed() {
        for body in [
            "\r\n",
            "x\r\n",
            "0x3\r\nabc",
            "+3\r\nabc",
            "-1\r\n",
            " 3\r\nabc",
            "3 \r\nabc",
            "3\nabc",
            "3\r\nabcd",
            "3\r\nabc\n",
            "3\r\nabc0\r\n",
            ";\r\n",
            "3;a\nabc",
            "3;\0\r\n",
            "3\rabc",
            "FFFFFFFFFFFFFFFFF\r\n",
            "0\r\nX: y\n\r\n",
            "0\r\n X: y\r\n\r\n",
            "0\r\n\n",
        ] {
            check(body, Progress::Malformed);
        }
        check(&format!("3;{}\r\nabc", "a".repeat(20_000)), Progress::Malformed);
    }

    proptest! {
        #[test]
        fn it_is_the_same_body_in_whatever_pieces(
            parts in proptest::collection::vec("[a-z]{1,20}", 0..5),
            cuts in proptest::collection::vec(1_usize..9, 1..60),
        ) {
            let mut body: String =
                parts.iter().map(|part| format!("{:x}\r\n{part}\r\n", part.len())).collect();
            body.push_str("0\r\n\r\n");
            let mut rest = body.as_bytes();
            let mut chunks = Chunks::new();
            let mut cuts = cuts.into_iter().cycle();
            loop {
                let (piece, later) = rest.split_at(cuts.next().unwrap().min(rest.len()));
                match chunks.take(piece) {
                    Progress::More => prop_assert!(!later.is_empty()),
                    Progress::End(end) => {
                        prop_assert!(end == piece.len() && later.is_empty());
                        break;
                    }
                    Progress::Malformed => prop_assert!(false, "{body:?}"),
                }
                rest = later;
            }
        }
    }
}

//! A client that sends exactly the bytes it is given, on a connection that it keeps.

use std::{io, net::TcpStream};

use super::PATIENCE;

/// What bytes go through.
pub(crate) trait Stream: io::Read + io::Write + Send {}

impl<S: io::Read + io::Write + Send> Stream for S {}

/// An open connection.
pub(crate) struct Client {
    stream: Box<dyn Stream>,
    own_port: u16,
    /// What has arrived and belongs to no answer yet.
    read: Vec<u8>,
}

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let own_port = stream.local_addr()?.port();
        Ok(Self::over(Box::new(stream), own_port))
    }

    /// A client at the end of `stream`, which comes from `own_port`.
    pub(crate) fn over(stream: Box<dyn Stream>, own_port: u16) -> Self {
        Self { stream, own_port, read: Vec::new() }
    }

    /// The port of its own end.
    pub(crate) const fn port(&self) -> u16 {
        self.own_port
    }

    /// Sends a request and waits for its answer.
    pub(crate) fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Answer> {
        self.write(&request(method, path, headers, body))?;
        self.answer()
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)?;
        self.stream.flush()
    }

    /// The next answer on the connection.
    pub(crate) fn answer(&mut self) -> io::Result<Answer> {
        self.answer_to("GET")
    }

    /// The same to a request with `method`: one to HEAD has no body, whatever its length says.
    pub(crate) fn answer_to(&mut self, method: &str) -> io::Result<Answer> {
        let head_end = loop {
            if let Some(at) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                break at;
            }
            self.more()?;
        };
        let head = String::from_utf8_lossy(&self.read[..head_end]).into_owned();
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let status = status.ok_or(io::ErrorKind::InvalidData)?;
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length = length.filter(|_| method != "HEAD");
        let length: usize = length.map_or(0, |(_, length)| length.parse().unwrap());
        let body_start = head_end + 4;
        while self.read.len() < body_start + length {
            self.more()?;
        }
        let body = self.read[body_start..body_start + length].to_vec();
        self.read.drain(..body_start + length);
        Ok(Answer { status, headers, body })
    }

    /// Whether the server has closed the connection, with nothing more to read.
    pub(crate) fn is_closed(&mut self) -> bool {
        self.read.is_empty() && matches!(self.stream.read(&mut [0; 1]), Ok(0) | Err(_))
    }

    fn more(&mut self) -> io::Result<()> {
        let mut some = [0; 16 * 1024];
        match self.stream.read(&mut some)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            length => {
                self.read.extend_from_slice(&some[..length]);
                Ok(())
            }
        }
    }
}

impl Answer {
    /// The values of a header, in their order.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let named = self.headers.iter().filter(|(known, _)| known == name);
        named.map(|(_, value)| value.as_str()).collect()
    }

    /// The value of a header that stands once; "" if it does not stand at all.
    pub(crate) fn header(&self, name: &str) -> &str {
        let all = self.all(name);
        assert!(all.len() <= 1, "{name} stands {} times", all.len());
        all.first().copied().unwrap_or_default()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A request as bytes. Its `Host` and length are added.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if method == "POST" {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes
}

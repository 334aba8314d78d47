//! A site to visit: the same page under every path (a script under those that end in `.js`), and `/beacon` and `/tb.js` behind its own proxy.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex},
    thread,
};

type Head = dyn Fn(&str) -> String + Send + Sync;

/// The site.
pub(crate) struct Pages {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    /// What the head of every page has beside the usual.
    lines: String,
    /// What a page has in its head.
    head: Box<Head>,
    beacons_port: u16,
    /// Every page that was asked for, with the purpose that the browser told.
    asked: Mutex<Vec<(String, String)>>,
    gone_on: Mutex<bool>,
    goes_on: Condvar,
}

impl Pages {
    /// Serves pages with `head` in them, by path, and passes beacons on to `beacons_port`.
    pub(crate) fn serve(
        beacons_port: u16,
        head: impl Fn(&str) -> String + Send + Sync + 'static,
    ) -> Self {
        Self::serve_with("", beacons_port, head)
    }

    /// The same with further lines, each ended, in the head of every page.
    pub(crate) fn serve_with(
        lines: &str,
        beacons_port: u16,
        head: impl Fn(&str) -> String + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            lines: lines.to_owned(),
            head: Box::new(head),
            beacons_port,
            asked: Mutex::default(),
            gone_on: Mutex::new(false),
            goes_on: Condvar::new(),
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, serving) = (stream.unwrap(), Arc::clone(&serving));
                // A browser opens connections that it never uses, and drops others.
                thread::spawn(move || drop(serving.answer(stream)));
            }
        });
        Self { port, shared }
    }

    /// Another host than that of the server, so that its script is a third party's.
    pub(crate) fn url(&self, path: &str) -> String {
        self.url_at("localhost", path)
    }

    pub(crate) fn url_at(&self, host: &str, path: &str) -> String {
        format!("http://{host}:{}{path}", self.port)
    }

    pub(crate) fn asked(&self) -> Vec<(String, String)> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// Lets pages that wait for it go on to `/next`.
    pub(crate) fn let_go(&self) {
        *self.shared.gone_on.lock().unwrap() = true;
        self.shared.goes_on.notify_all();
    }
}

impl Shared {
    fn answer(&self, mut stream: TcpStream) -> io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if line == "\r\n" {
                break;
            }
            head.push(line.trim_end().to_owned());
        }
        let header = |name: &str| {
            let lines = head.iter().filter_map(|line| line.split_once(':'));
            let mut found = lines.filter(|(known, _)| known.eq_ignore_ascii_case(name));
            found.next().map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
        };
        let mut body = vec![0; header("content-length").parse().unwrap_or(0)];
        reader.read_exact(&mut body)?;
        let target = head[0].split(' ').nth(1).unwrap_or_default().to_owned();
        let path = target.split(['?', '#']).next().unwrap_or_default();
        if matches!(path, "/beacon" | "/tb.js") {
            return self.pass_on(&head, &body, &mut stream);
        }
        if path == "/favicon.ico" {
            return stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
        }
        if path == "/wait" {
            let mut gone_on = self.gone_on.lock().unwrap();
            while !*gone_on {
                gone_on = self.goes_on.wait(gone_on).unwrap();
            }
            return stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
        }
        self.asked.lock().unwrap().push((path.to_owned(), header("sec-purpose")));
        if path.ends_with(".js") {
            let script = (self.head)(path);
            return write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Type: text/javascript\r\nContent-Length: {}\r\n\
                 Connection: close\r\n\r\n{script}",
                script.len()
            );
        }
        let go_on = match path {
            "/gate" => "<script>fetch('/wait').then(() => location = '/next')</script>",
            _ => "",
        };
        let page = format!(
            "<!doctype html><meta charset=utf-8><title>{path}</title>{}{go_on}<p>{path}",
            (self.head)(path)
        );
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\
             {}Connection: close\r\n\r\n{page}",
            page.len(),
            self.lines
        )
    }

    fn pass_on(&self, head: &[String], body: &[u8], stream: &mut TcpStream) -> io::Result<()> {
        let mut beacons = TcpStream::connect(("127.0.0.1", self.beacons_port))?;
        let kept = head.iter().filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
        let mut request = kept.map(|line| format!("{line}\r\n")).collect::<String>();
        request.push_str("Connection: close\r\n\r\n");
        beacons.write_all(request.as_bytes())?;
        beacons.write_all(body)?;
        io::copy(&mut beacons, stream)?;
        Ok(())
    }
}

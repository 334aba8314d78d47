//! Clients that send beacons: as fast as they are answered, or at a set rate.

use std::{
    io::Write as _,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime::Runtime,
    time::sleep_until,
};

use super::{descriptors::make_room, traffic::Skewed};

/// As many as a measurement has at most.
const CONNECTIONS_MAX: usize = 4_096;
const PATHS: usize = 500;
const ADDRESSES: u32 = 100_000;
const REFERRERS: usize = 60;

/// What came of it.
#[derive(Default)]
pub(crate) struct Outcome {
    /// How many were answered 204.
    pub(crate) stored: u64,
    /// How many were answered otherwise.
    pub(crate) refused: u64,
    seconds: f64,
    /// How long each waited from when it was due, in milliseconds, the shortest first.
    waits: Vec<f64>,
}

impl Outcome {
    pub(crate) fn per_second(&self) -> f64 {
        super::figures::float(self.stored) / self.seconds
    }

    /// How long all but one in so many waited at most, in milliseconds.
    pub(crate) fn wait(&self, of: usize) -> f64 {
        self.waits[self.waits.len() - 1 - self.waits.len() / of]
    }
}

/// All clients, of which each has its own connection.
pub(crate) struct Load {
    runtime: Runtime,
    paths: Arc<Skewed>,
    referrers: Arc<Skewed>,
}

impl Load {
    pub(crate) fn new() -> Self {
        // Thousands of connections are more than a process may have at first.
        make_room(CONNECTIONS_MAX);
        // One thread: what the clients take, both servers go without.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self {
            runtime,
            paths: Arc::new(Skewed::new(PATHS)),
            referrers: Arc::new(Skewed::new(REFERRERS)),
        }
    }

    /// Lets `clients` send for `time`: `per_second` in all, or each as soon as it is answered.
    pub(crate) fn run(
        &self,
        address: &str,
        clients: u32,
        per_second: Option<f64>,
        time: Duration,
    ) -> Outcome {
        let all = Arc::new(Mutex::new(Outcome::default()));
        self.runtime.block_on(async {
            let begun = Instant::now();
            let running: Vec<_> = (0..clients)
                .map(|number| {
                    let pace = per_second.map(|rate| Pace {
                        first: begun + Duration::from_secs_f64(f64::from(number) / rate),
                        every: Duration::from_secs_f64(f64::from(clients) / rate),
                    });
                    let client = Client {
                        address: address.to_owned(),
                        pace,
                        until: begun + time,
                        random: fastrand::Rng::new(),
                        paths: Arc::clone(&self.paths),
                        referrers: Arc::clone(&self.referrers),
                    };
                    tokio::spawn(client.run(Arc::clone(&all)))
                })
                .collect();
            for client in running {
                client.await.unwrap();
            }
            all.lock().unwrap().seconds = begun.elapsed().as_secs_f64();
        });
        let mut outcome = std::mem::take(&mut *all.lock().unwrap());
        outcome.waits.sort_by(f64::total_cmp);
        outcome
    }
}

/// When the beacons of a client are due.
struct Pace {
    first: Instant,
    every: Duration,
}

struct Client {
    address: String,
    pace: Option<Pace>,
    until: Instant,
    random: fastrand::Rng,
    paths: Arc<Skewed>,
    referrers: Arc<Skewed>,
}

impl Client {
    async fn run(mut self, all: Arc<Mutex<Outcome>>) {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (mut request, mut answer) = (Vec::new(), vec![0; 4096]);
        let mut own = Outcome::default();
        for turn in 0_u32.. {
            let due = match &self.pace {
                Some(pace) => pace.first + pace.every * turn,
                None => Instant::now(),
            };
            if due >= self.until {
                break;
            }
            if self.pace.is_some() {
                sleep_until(due.into()).await;
            }
            self.write(&mut request);
            stream.write_all(&request).await.unwrap();
            let mut length = 0;
            while !answer[..length].ends_with(b"\r\n\r\n") {
                let more = stream.read(&mut answer[length..]).await.unwrap();
                assert!(more > 0, "the server has closed a connection");
                length += more;
                // A refusal has a body, and needs no more looking at.
                if !answer.starts_with(b"HTTP/1.1 204") {
                    break;
                }
            }
            own.waits.push(due.elapsed().as_secs_f64() * 1000.0);
            if answer.starts_with(b"HTTP/1.1 204") {
                own.stored += 1;
            } else {
                own.refused += 1;
            }
        }
        let mut all = all.lock().unwrap();
        all.stored += own.stored;
        all.refused += own.refused;
        all.waits.append(&mut own.waits);
    }

    /// A page view as the script sends it, from one of many addresses behind a proxy.
    fn write(&mut self, request: &mut Vec<u8>) {
        let random = &mut self.random;
        let person = random.u32(..ADDRESSES);
        // The same person always has the same browser, as people do.
        let agent = usize::try_from(person).unwrap() % AGENTS.len();
        // One address in each network, as of people who are no neighbours.
        let [_, a, b, c] = (person * 167).to_be_bytes();
        let path = self.paths.pick(random);
        let mut body = Vec::with_capacity(384);
        write!(
            body,
            r#"{{"event_type":"page_view","identifier":"/notes/page-{path}","id":"{:016x}","meta":{{"url":"https://example.com/notes/page-{path}","width":{},"tz":"Europe/Berlin","lang":"{}""#,
            random.u64(..),
            [390, 820, 1440, 1920][random.usize(..4)],
            ["de-DE", "en-US", "en-GB", "fr-FR", "es-ES"][random.usize(..5)],
        )
        .unwrap();
        if random.u8(..3) == 0 {
            let referrer = self.referrers.pick(random);
            write!(body, r#","ref":"https://source-{referrer}.example/""#).unwrap();
        }
        write!(body, r#","title":"Page {path} of the notes"}}}}"#).unwrap();
        request.clear();
        write!(
            request,
            "POST /beacon HTTP/1.1\r\nHost: stats.example.com\r\nContent-Type: text/plain;charset=UTF-8\r\n\
             User-Agent: {}\r\nAccept: */*\r\nOrigin: https://example.com\r\n\
             Referer: https://example.com/\r\nAccept-Language: de,en;q=0.8\r\n\
             Accept-Encoding: gzip, deflate, br\r\nSec-Fetch-Site: cross-site\r\n\
             Sec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n\
             X-Forwarded-For: 93.{a}.{b}.{c}\r\nContent-Length: {}\r\n\r\n",
            AGENTS[agent],
            body.len()
        )
        .unwrap();
        request.extend_from_slice(&body);
    }
}

/// Browsers as they call themselves.
const AGENTS: [&str; 30] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/133.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/133.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/133.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.2 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Safari/605.1.15",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.2 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:131.0) Gecko/20100101 Firefox/131.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:132.0) Gecko/20100101 Firefox/132.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0.0.0 Safari/537.36 Edg/132.0.0.0",
    "Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36",
];

//! JSON logs: Caddy's, and what nginx writes with `log_format … escape=json`, whose names everybody
//! chooses for himself.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    clf,
    contract::{Line, Lines, LogFormat, Logged, client, told},
    time,
};

pub(super) const CADDY: LogFormat = LogFormat {
    name: "caddy",
    reader: || Box::new(Caddy),
    example: r#"{"level":"info","ts":1431857103.5,"logger":"http.log.access.log0","msg":"handled request","request":{"remote_ip":"192.0.2.1","remote_port":"50000","client_ip":"192.0.2.1","proto":"HTTP/2.0","method":"GET","host":"site.example","uri":"/a?b=c","headers":{"User-Agent":["Mozilla/5.0 (X11)"],"Referer":["https://other.example/"],"Accept-Language":["de,en;q=0.5"]}},"bytes_read":0,"user_id":"","duration":0.001,"size":20,"status":200,"resp_headers":{"Content-Type":["text/html; charset=utf-8"]}}"#,
};

pub(super) const NGINX: LogFormat = LogFormat {
    name: "json",
    reader: || Box::new(Named),
    example: r#"{"time_iso8601":"2015-05-17T10:05:03+00:00","remote_addr":"192.0.2.1","host":"site.example","request":"GET /a?b=c HTTP/1.1","status":"200","body_bytes_sent":"20","http_referer":"https://other.example/","http_user_agent":"Mozilla/5.0 (X11)"}"#,
};

#[derive(Debug, Clone, Copy)]
struct Caddy;

#[derive(Debug, Clone, Copy)]
struct Named;

#[derive(Deserialize)]
struct CaddyLine<'l> {
    #[serde(borrow, default)]
    msg: Cow<'l, str>,
    #[serde(default)]
    ts: Value,
    #[serde(borrow)]
    request: Option<CaddyRequest<'l>>,
    #[serde(default)]
    status: u16,
    #[serde(default)]
    resp_headers: Map<String, Value>,
}

#[derive(Deserialize)]
struct CaddyRequest<'l> {
    /// After the proxies that Caddy trusts; since 2.7.
    #[serde(borrow)]
    client_ip: Option<Cow<'l, str>>,
    /// Since 2.5.
    #[serde(borrow)]
    remote_ip: Option<Cow<'l, str>>,
    /// With a port; until 2.4.
    #[serde(borrow)]
    remote_addr: Option<Cow<'l, str>>,
    #[serde(borrow, default)]
    method: Cow<'l, str>,
    #[serde(borrow, default)]
    host: Cow<'l, str>,
    #[serde(borrow, default)]
    uri: Cow<'l, str>,
    #[serde(default)]
    headers: Map<String, Value>,
}

impl Lines for Caddy {
    fn read<'l>(&mut self, line: &'l str) -> Result<Line<'l>, &'static str> {
        if line.trim().is_empty() {
            return Ok(Line::Nothing);
        }
        let read: CaddyLine<'_> =
            serde_json::from_str(line).map_err(|_| "it is not the JSON of a Caddy log")?;
        // Everything that Caddy has to say may go into one log.
        let Some(request) = read.request.filter(|_| read.msg.starts_with("handled request")) else {
            return Ok(Line::Nothing);
        };
        let at_ms = moment(&read.ts).ok_or("ts is no time")?;
        let address = request.client_ip.or(request.remote_ip).or(request.remote_addr);
        let header = |headers: &mut Map<String, Value>, name: &str| first(headers.remove(name)?);
        let (mut headers, mut answered) = (request.headers, read.resp_headers);
        Ok(Line::Request(Box::new(Logged {
            at_ms,
            client: client(address.as_deref().unwrap_or("-")),
            host: told(request.host),
            method: request.method,
            target: request.uri,
            status: read.status,
            content_type: header(&mut answered, "Content-Type").map(Cow::Owned),
            referrer: header(&mut headers, "Referer").map(Cow::Owned),
            user_agent: Some(header(&mut headers, "User-Agent").unwrap_or_default().into()),
            languages: header(&mut headers, "Accept-Language").map(Cow::Owned),
        })))
    }
}

impl Lines for Named {
    fn read<'l>(&mut self, line: &'l str) -> Result<Line<'l>, &'static str> {
        if line.trim().is_empty() {
            return Ok(Line::Nothing);
        }
        let mut fields: Map<String, Value> =
            serde_json::from_str(line).map_err(|_| "it is not a JSON object")?;
        let at =
            ["time_iso8601", "time_local", "msec", "time", "timestamp", "@timestamp", "ts", "date"];
        let at = at.into_iter().find_map(|name| fields.get(name));
        let at_ms = at.ok_or("it has no time_iso8601, time_local, msec, time or timestamp")?;
        let at_ms = moment(at_ms).ok_or("its time is none that is known")?;
        let mut any = |names: &[&str]| {
            let found = names.iter().find_map(|name| fields.remove(*name).and_then(text))?;
            told(found.into())
        };
        let address = any(&["remote_addr", "client_ip", "remote_ip", "client", "ip"]);
        let host = any(&["host", "http_host", "vhost", "server_name"]);
        let status = any(&["status"]).and_then(|status| status.parse().ok());
        let method = any(&["request_method", "method"]);
        let uri = any(&["request_uri", "uri", "url", "path"]);
        let query = any(&["args", "query_string", "query"]);
        let request = any(&["request"]);
        let (method, target) = match (method, uri, request) {
            (Some(method), Some(uri), _) => (method, with_query(uri, query)),
            (_, _, Some(request)) => clf::split(request),
            _ => return Err("it has neither request nor request_method and request_uri"),
        };
        Ok(Line::Request(Box::new(Logged {
            at_ms,
            client: client(address.as_deref().unwrap_or("-")),
            host,
            method,
            target,
            status: status.ok_or("it has no status")?,
            content_type: any(&["sent_http_content_type", "content_type"]),
            referrer: any(&["http_referer", "http_referrer", "referer", "referrer"]),
            user_agent: any(&["http_user_agent", "user_agent", "agent"]).or(Some("".into())),
            languages: any(&["http_accept_language", "accept_language"]),
        })))
    }
}

fn with_query<'l>(uri: Cow<'l, str>, query: Option<Cow<'l, str>>) -> Cow<'l, str> {
    match query.filter(|_| !uri.contains('?')) {
        Some(query) => format!("{uri}?{query}").into(),
        None => uri,
    }
}

fn moment(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => time::since_1970(number.as_f64()?),
        Value::String(text) => time::any(text),
        _ => None,
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The first value of a header.
fn first(values: Value) -> Option<String> {
    match values {
        Value::Array(values) => values.into_iter().next().and_then(text),
        other => text(other),
    }
}

#[cfg(test)]
#[expect(clippy::panic, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;

    fn read(format: LogFormat, line: &str) -> Logged<'_> {
        match (format.reader)().read(line) {
            Ok(Line::Request(logged)) => *logged,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn caddy_is_read_in_every_release() {
        let new = read(CADDY, CADDY.example);
        assert_eq!((&*new.method, &*new.target, new.status), ("GET", "/a?b=c", 200));
        assert_eq!(new.host.as_deref(), Some("site.example"));
        assert_eq!(new.languages.as_deref(), Some("de,en;q=0.5"));
        assert_eq!((new.at_ms, new.client), (1_431_857_103_500, client("192.0.2.1")));
        let old = r#"{"level":"info","ts":1431857103.5,"logger":"http.log.access","msg":"handled request","request":{"remote_addr":"[2001:db8::1]:41342","proto":"HTTP/2.0","method":"GET","host":"site.example","uri":"/","headers":{"User-Agent":["x"]}},"duration":0.001,"size":20,"status":200,"resp_headers":{"Server":["Caddy"]}}"#;
        assert_eq!(read(CADDY, old).client, client("2001:db8::1"));
        let between = old.replace(
            r#""remote_addr":"[2001:db8::1]:41342""#,
            r#""remote_ip":"192.0.2.9","remote_port":"1""#,
        );
        assert_eq!(read(CADDY, &between).client, client("192.0.2.9"));
        assert_eq!(read(CADDY, &between).content_type, None);
    }

    #[test]
    fn what_caddy_says_of_itself_is_no_request() {
        let line = r#"{"level":"info","ts":1431857103.5,"logger":"admin","msg":"admin endpoint started","address":"localhost:2019"}"#;
        assert_eq!((CADDY.reader)().read(line), Ok(Line::Nothing));
    }

    #[test]
    fn names_of_fields_are_known_by_several() {
        let logged = read(NGINX, NGINX.example);
        assert_eq!((&*logged.method, &*logged.target, logged.status), ("GET", "/a?b=c", 200));
        assert_eq!(logged.at_ms, 1_431_857_103_000);
        let other = read(
            NGINX,
            r#"{"msec":1431857103.000,"client_ip":"192.0.2.1","request_method":"GET","uri":"/a","args":"b=c","status":304,"user_agent":"-"}"#,
        );
        assert_eq!((&*other.target, other.status, other.host), ("/a?b=c", 304, None));
        assert_eq!(other.user_agent.as_deref(), Some(""));
    }

    #[test]
    fn what_is_missing_is_told() {
        for (line, why) in [
            ("GET /", "it is not a JSON object"),
            ("{}", "it has no time_iso8601, time_local, msec, time or timestamp"),
            (r#"{"msec":"x"}"#, "its time is none that is known"),
            (r#"{"msec":1431857103}"#, "it has neither request nor request_method and request_uri"),
            (r#"{"msec":1431857103,"request":"GET / HTTP/1.1"}"#, "it has no status"),
        ] {
            assert_eq!((NGINX.reader)().read(line), Err(why), "{line}");
        }
        assert_eq!((CADDY.reader)().read("x"), Err("it is not the JSON of a Caddy log"));
    }
}

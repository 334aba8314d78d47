//! W3C extended logs, as IIS and others write them, and CloudFront's: a line `#Fields:` names the columns.
//! <https://www.w3.org/TR/WD-logfile.html>

use std::borrow::Cow;

use super::{
    contract::{Line, Lines, LogFormat, Logged, client, told},
    time,
};

pub(super) const W3C: LogFormat = LogFormat {
    name: "w3c",
    reader: || Box::new(Extended { separator: ' ', columns: Vec::new() }),
    example: "#Software: Microsoft Internet Information Services 10.0\n\
        #Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) cs-host sc-status sc-substatus sc-win32-status time-taken\n\
        2015-05-17 10:05:03 10.0.0.1 GET /a b=c 443 - 192.0.2.1 Mozilla/5.0+(X11) https://other.example/ site.example 200 0 0 15",
};

pub(super) const CLOUDFRONT: LogFormat = LogFormat {
    name: "cloudfront",
    reader: || Box::new(Extended { separator: '\t', columns: Vec::new() }),
    example: "#Version: 1.0\n\
        #Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end\n\
        2015-05-17\t10:05:03\tFRA2\t20\t192.0.2.1\tGET\td111111abcdef8.cloudfront.net\t/a\t200\thttps://other.example/\tMozilla/5.0%2520(X11)\tb=c\t-\tHit\tid==\tsite.example\thttps\t23\t0.001\t-\tTLSv1.3\tTLS_AES_128_GCM_SHA256\tHit\tHTTP/2.0\t-\t-\t11040\t0.001\tHit\ttext/html\t78\t-\t-",
};

/// One of these logs.
#[derive(Debug)]
struct Extended {
    separator: char,
    /// What each column holds.
    columns: Vec<Option<Column>>,
}

/// A column that is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Date,
    Time,
    Client,
    Method,
    Host,
    /// CloudFront's `cs(Host)` is the name of the distribution; what was asked stands elsewhere.
    HostHeader,
    Path,
    Query,
    Status,
    ContentType,
    Referrer,
    UserAgent,
    Languages,
}

impl Column {
    const ALL: [(&str, Self); 15] = [
        ("date", Self::Date),
        ("time", Self::Time),
        ("c-ip", Self::Client),
        ("cs-method", Self::Method),
        ("cs-host", Self::Host),
        ("cs(host)", Self::Host),
        ("x-host-header", Self::HostHeader),
        ("cs-uri-stem", Self::Path),
        ("cs-uri", Self::Path),
        ("cs-uri-query", Self::Query),
        ("sc-status", Self::Status),
        ("sc-content-type", Self::ContentType),
        ("cs(referer)", Self::Referrer),
        ("cs(user-agent)", Self::UserAgent),
        ("cs(accept-language)", Self::Languages),
    ];

    fn of(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, column)| column)
    }
}

impl Lines for Extended {
    fn read<'l>(&mut self, line: &'l str) -> Result<Line<'l>, &'static str> {
        if let Some(directive) = line.strip_prefix('#') {
            if let Some(fields) = directive.strip_prefix("Fields:") {
                self.columns = fields.split_whitespace().map(Column::of).collect();
            }
            return Ok(Line::Nothing);
        }
        if line.trim().is_empty() {
            return Ok(Line::Nothing);
        }
        if self.columns.is_empty() {
            return Err("no line that begins with #Fields: came before it");
        }
        let cells: Vec<&str> = line.split(self.separator).collect();
        if cells.len() != self.columns.len() {
            return Err("it has not as many columns as #Fields: names");
        }
        let cell = |column: Column| {
            let at = self.columns.iter().position(|own| *own == Some(column))?;
            cells.get(at).copied().filter(|cell| !matches!(*cell, "-" | ""))
        };
        let date = cell(Column::Date).ok_or("it has no date")?;
        let at_ms = time::date_and_time(date, cell(Column::Time).ok_or("it has no time")?);
        let path = cell(Column::Path).unwrap_or_default();
        let target: Cow<'l, str> = match cell(Column::Query) {
            Some(query) => format!("{path}?{query}").into(),
            None => path.into(),
        };
        let decoded = |column| told(self.decoded(cell(column)?));
        Ok(Line::Request(Box::new(Logged {
            at_ms: at_ms.ok_or("its date and time are not like 2015-05-17 and 10:05:03")?,
            client: client(cell(Column::Client).unwrap_or("-")),
            host: cell(Column::HostHeader).or_else(|| cell(Column::Host)).map(Into::into),
            method: cell(Column::Method).unwrap_or_default().into(),
            target,
            status: cell(Column::Status)
                .and_then(|status| status.parse().ok())
                .ok_or("it has no status")?,
            content_type: decoded(Column::ContentType),
            referrer: decoded(Column::Referrer),
            user_agent: self
                .columns
                .contains(&Some(Column::UserAgent))
                .then(|| decoded(Column::UserAgent).unwrap_or_default()),
            languages: decoded(Column::Languages),
        })))
    }
}

impl Extended {
    /// A header as it was sent: CloudFront escapes it, and what was escaped a second time; others write
    /// `+` for a space.
    fn decoded<'l>(&self, cell: &'l str) -> Cow<'l, str> {
        if self.separator == ' ' {
            return if cell.contains('+') { cell.replace('+', " ").into() } else { cell.into() };
        }
        if !cell.contains('%') {
            return cell.into();
        }
        let once = percent_decoded(cell);
        if once.contains('%') { percent_decoded(&once).into() } else { once.into() }
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, tail @ ..] = rest {
        rest = tail;
        let digits = (*byte == b'%').then(|| tail.get(..2)).flatten();
        let code = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(code) => {
                bytes.push(code);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => bytes.push(*byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
#[expect(clippy::panic, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;

    fn last(format: LogFormat) -> Logged<'static> {
        let mut reader = (format.reader)();
        match format.example.lines().map(|line| reader.read(line)).last() {
            Some(Ok(Line::Request(logged))) => *logged,
            other => panic!("{}: {other:?}", format.name),
        }
    }

    #[test]
    fn columns_are_found_by_their_names() {
        for format in [W3C, CLOUDFRONT] {
            let logged = last(format);
            assert_eq!((&*logged.method, &*logged.target, logged.status), ("GET", "/a?b=c", 200));
            assert_eq!(logged.host.as_deref(), Some("site.example"), "{}", format.name);
            assert_eq!(logged.user_agent.as_deref(), Some("Mozilla/5.0 (X11)"));
            assert_eq!(logged.referrer.as_deref(), Some("https://other.example/"));
            assert_eq!((logged.at_ms, logged.client), (1_431_857_103_000, client("192.0.2.1")));
        }
    }

    #[test]
    fn columns_may_change_within_a_log() {
        let mut reader = (W3C.reader)();
        assert!(reader.read("2015-05-17 10:05:03 GET / 200").is_err());
        assert_eq!(
            reader.read("#Fields: date time cs-method cs-uri-stem sc-status"),
            Ok(Line::Nothing)
        );
        assert!(
            matches!(reader.read("2015-05-17 10:05:03 GET / 200"), Ok(Line::Request(logged)) if logged.user_agent.is_none())
        );
        assert_eq!(reader.read("#Fields: sc-status date time"), Ok(Line::Nothing));
        assert!(
            matches!(reader.read("404 2015-05-17 10:05:03"), Ok(Line::Request(logged)) if logged.status == 404)
        );
        assert_eq!(
            reader.read("404 2015-05-17"),
            Err("it has not as many columns as #Fields: names")
        );
    }
}

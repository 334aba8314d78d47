//! How the log is written: a line for each event, as text or as JSON. Whatever an event holds, it stays
//! within its line.

use std::fmt::{self, Debug, Write as _};

use serde_json::{Map, Value};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    EnvFilter,
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

use crate::{clock, config::registry::Log};

/// The variable that says what is logged: `debug`, or `trim_beacons::web=debug`.
const VARIABLE: &str = "TRIM_BEACONS_LOG";

/// The longest value, in characters.
const VALUE_MAX: usize = 1024;

/// The field that holds the sentence.
const MESSAGE: &str = "message";

/// Logs to stderr from now on.
pub(super) fn begin(log: Log) {
    let filter = EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| EnvFilter::new("info"));
    let set = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .event_format(Lines(log))
        .try_init();
    // It was begun before, by the same words.
    drop(set);
}

struct Lines(Log);

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let time = jiff::Timestamp::from_millisecond(clock::now_ms()).unwrap_or_default();
        let level = event.metadata().level().as_str();
        match self.0 {
            Log::Text => writeln!(writer, "{time:.3} {level:>5} {}", fields.text()),
            Log::Json => {
                let mut line = Map::new();
                line.insert("time".to_owned(), format!("{time:.3}").into());
                line.insert("level".to_owned(), level.to_lowercase().into());
                line.extend(fields.0);
                writeln!(writer, "{}", Value::Object(line))
            }
        }
    }
}

/// What an event holds.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn note(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    /// `the sentence file="a" bytes=7`, without control characters.
    fn text(mut self) -> String {
        let mut text = match self.0.remove(MESSAGE) {
            Some(Value::String(sentence)) => plain(&sentence),
            _ => String::new(),
        };
        for (name, value) in &self.0 {
            // Writing to memory does not fail.
            let _written = match value {
                Value::String(value) => write!(text, " {name}=\"{}\"", plain(value)),
                other => write!(text, " {name}={other}"),
            };
        }
        text
    }
}

/// `text` with its control characters written out.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() {
            plain.extend(letter.escape_default());
        } else {
            plain.push(letter);
        }
    }
    plain
}

fn shortened(text: &str) -> String {
    text.chars().take(VALUE_MAX).collect()
}

impl Visit for Fields {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.note(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.note(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.note(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.note(field, shortened(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.note(field, shortened(&format!("{value:?}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stays_within_its_line() {
        let mut fields = Fields::default();
        fields.0.insert(MESSAGE.to_owned(), "a\nb".into());
        fields.0.insert("file".to_owned(), "x\u{1b}[31m\r\u{9b}".into());
        fields.0.insert("bytes".to_owned(), 7.into());
        assert_eq!(fields.text(), r#"a\nb bytes=7 file="x\u{1b}[31m\r\u{9b}""#);
        assert_eq!(shortened(&"ä".repeat(2000)).chars().count(), VALUE_MAX);
    }
}

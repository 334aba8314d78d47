//! `[alert.NAME]`: what the owner wants to be told of.

use std::sync::Arc;

use toml::Spanned;
use url::Url;

use super::{
    error::{Fault, quoted},
    file,
    registry::{EventType, IdentifierRule, Site},
    value::{self, Duration},
    wanted::{Alert, By, Receiver, When},
};
use crate::model::period::Granularity;

/// How many receivers there may be.
const RECEIVERS_MAX: usize = 20;

/// How many alerts there may be.
const ALERTS_MAX: usize = 50;

/// The longest window or silence, in seconds: 31 days.
const SECONDS_MAX: u32 = 31 * 86_400;

/// The keys of which an alert has exactly one.
const KINDS: &str = "\"above\", \"spike\", \"drop\", \"new_error\", \"returned_error\", \"silent_for\", \
                     \"file_above\" or \"disk_below\"";

/// Checks every alert; `sites` and `events` are those that it may name.
pub(super) fn check_all(
    written: &[(Spanned<String>, file::Alert)],
    sites: &[Arc<Site>],
    events: &[Arc<EventType>],
    receivers: &[Receiver],
) -> Result<Vec<Alert>, Fault> {
    if let Some((name, _)) = written.get(ALERTS_MAX) {
        return Err(Fault::at(name, format!("there are more than {ALERTS_MAX} alerts")));
    }
    let known: Vec<&str> = receivers.iter().map(|receiver| &*receiver.name).collect();
    let checked = written.iter().map(|(name, alert)| {
        let send_to = value::distinct(alert.send_to.as_ref(), |text| {
            value::known_name("[receiver]", text, &known)
        })?;
        Ok(Alert { send_to, ..check(name, alert, sites, events)? })
    });
    checked.collect()
}

/// Checks every receiver.
pub(super) fn check_receivers(
    written: &[(Spanned<String>, file::Receiver)],
) -> Result<Vec<Receiver>, Fault> {
    if let Some((name, _)) = written.get(RECEIVERS_MAX) {
        return Err(Fault::at(name, format!("there are more than {RECEIVERS_MAX} receivers")));
    }
    let check = |(name, receiver): &(Spanned<String>, file::Receiver)| {
        let name_of = || name.get_ref().clone();
        match (&receiver.webhook, &receiver.smtp) {
            (Some(webhook), None) => {
                let message =
                    "the webhook is not an address; write one such as \"https://ntfy.sh\"";
                let url = address(webhook, ["http", "https"], message)?;
                let topic = receiver.topic.as_ref().map(|topic| topic.get_ref().clone());
                Ok(Receiver { name: name_of(), by: By::Webhook { url, topic } })
            }
            (None, Some(smtp)) => {
                let message = "the mail server is not an address; write one such as \
                               \"smtps://name:password@mail.example.com\"";
                let server = address(smtp, ["smtp", "smtps"], message)?;
                let Some(from) = &receiver.from else {
                    return Err(Fault::at(smtp, "mail needs whom it comes \"from\""));
                };
                let to = value::list(receiver.to.as_ref(), mail_address)?;
                if to.is_empty() {
                    return Err(Fault::at(smtp, "mail needs whom it goes \"to\", a list"));
                }
                let from = mail_address(from)?;
                Ok(Receiver { name: name_of(), by: By::Mail { server, from, to } })
            }
            _ => Err(Fault::at(name, "a receiver has either a \"webhook\" or an \"smtp\" server")),
        }
    };
    written.iter().map(check).collect()
}

fn check(
    name: &Spanned<String>,
    alert: &file::Alert,
    sites: &[Arc<Site>],
    events: &[Arc<EventType>],
) -> Result<Alert, Fault> {
    let plain = value::free_name("an alert", name)?;
    let kinds = [
        alert.above.is_some(),
        alert.spike.is_some(),
        alert.drop.is_some(),
        alert.new_error == Some(true),
        alert.returned_error == Some(true),
        alert.silent_for.is_some(),
        alert.file_above.is_some(),
        alert.disk_below.is_some(),
    ];
    if kinds.into_iter().filter(|is_given| *is_given).count() != 1 {
        return Err(Fault::at(name, format!("this alert needs exactly one of {KINDS}")));
    }
    let known: Vec<&str> = sites.iter().map(|site| &*site.name).collect();
    let site =
        alert.site.as_ref().map(|site| value::known_name("site", site, &known)).transpose()?;
    let identifier = alert.identifier.as_ref().map(|text| text.get_ref().clone());
    let when = when(name, alert, events)?;
    Ok(Alert { name: plain, site, identifier, when, send_to: Vec::new() })
}

fn when(
    name: &Spanned<String>,
    alert: &file::Alert,
    events: &[Arc<EventType>],
) -> Result<When, Fault> {
    if let Some(most) = &alert.above {
        let event = event(alert, events)?;
        let Some(within) = &alert.within else {
            let message = "\"above\" needs the time in which so many are too many; write within = \"15m\", say";
            return Err(Fault::at(most, message));
        };
        let seconds = seconds(within)?;
        let finest = event.granularities.first().copied().unwrap_or(Granularity::Year);
        let length = match finest {
            Granularity::Second => 1,
            Granularity::Minute => 60,
            Granularity::Hour => 3600,
            _ => u32::MAX,
        };
        if length > seconds {
            let message = format!(
                "{} is shorter than the shortest bucket of {}; add \"minute\" to its granularities",
                quoted(within.get_ref()),
                event.name
            );
            return Err(Fault::at(within, message));
        }
        let most = value::number("above", most, 0..=1_000_000_000)?;
        return Ok(When::Above { event: event.name.clone(), most, seconds, bucket: finest });
    }
    if let Some(percent) = alert.spike.as_ref().or(alert.drop.as_ref()) {
        let event = event(alert, events)?;
        if !event.granularities.contains(&Granularity::Hour) {
            let message = format!(
                "what is usual is known by the hour; add \"hour\" to the granularities of {}",
                event.name
            );
            return Err(Fault::at(percent, message));
        }
        let is_spike = alert.spike.is_some();
        let range = if is_spike { 1..=100_000 } else { 1..=100 };
        let percent = value::number(if is_spike { "spike" } else { "drop" }, percent, range)?;
        let event = event.name.clone();
        return Ok(if is_spike {
            When::Spike { event, percent }
        } else {
            When::Drop { event, percent }
        });
    }
    if alert.new_error == Some(true) || alert.returned_error == Some(true) {
        let is_error = |event: &&Arc<EventType>| event.identifier == IdentifierRule::Fingerprint;
        let Some(event) = events.iter().find(is_error) else {
            return Err(Fault::at(name, "no event type has the identifier \"fingerprint\""));
        };
        let (event, returned) = (event.name.clone(), alert.returned_error == Some(true));
        return Ok(When::Error { event, returned });
    }
    if let Some(text) = &alert.silent_for {
        let seconds = seconds(text)?;
        if seconds < 3600 {
            return Err(Fault::at(text, "silence is told by the hour; write \"1h\" or more"));
        }
        return Ok(When::Silent { seconds });
    }
    if let Some(bytes) = &alert.file_above {
        return Ok(When::FileAbove { bytes: value::number("file_above", bytes, 1..=i64::MAX)? });
    }
    match &alert.disk_below {
        Some(bytes) => {
            Ok(When::DiskBelow { bytes: value::number("disk_below", bytes, 1..=i64::MAX)? })
        }
        None => Err(Fault::at(name, format!("this alert needs exactly one of {KINDS}"))),
    }
}

/// An address with one of two schemes. It may hold a secret, so the mistake does not show it.
fn address(text: &Spanned<String>, schemes: [&str; 2], message: &str) -> Result<Url, Fault> {
    let url = Url::parse(text.get_ref()).ok();
    url.filter(|url| schemes.contains(&url.scheme()) && url.has_host())
        .ok_or_else(|| Fault::at(text, message))
}

fn mail_address(text: &Spanned<String>) -> Result<String, Fault> {
    let written = text.get_ref().trim();
    let parts = written.split_once('@').filter(|(name, host)| !name.is_empty() && !host.is_empty());
    if parts.is_some() && !written.contains(char::is_whitespace) {
        return Ok(written.to_owned());
    }
    Err(Fault::at(text, format!("{} is not an e-mail address", quoted(written))))
}

/// The event type that the alert names; page views if it names none.
fn event<'e>(
    alert: &file::Alert,
    events: &'e [Arc<EventType>],
) -> Result<&'e Arc<EventType>, Fault> {
    // Page views may be undeclared too; the mistake then stands nowhere in the file.
    let page_views = Spanned::new(0..0, "page_view".to_owned());
    let wanted = alert.event.as_ref().unwrap_or(&page_views);
    let known: Vec<&str> = events.iter().map(|event| &*event.name).collect();
    let name = value::known_name("event type", wanted, &known)?;
    let found = events.iter().find(|event| event.name == name);
    found.ok_or_else(|| Fault::at(wanted, "this event type is not declared"))
}

fn seconds(text: &Spanned<String>) -> Result<u32, Fault> {
    match value::duration(text)? {
        Duration::Seconds(seconds) if (1..=SECONDS_MAX).contains(&seconds) => Ok(seconds),
        _ => Err(Fault::at(
            text,
            format!("{} is too long; use \"31d\" at most", quoted(text.get_ref())),
        )),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;
    use crate::config::{
        parse,
        tests::{FILE, check},
    };

    fn when(body: &str) -> When {
        parse(&format!("[alert.a]\n{body}"), FILE).unwrap().alerts[0].when.clone()
    }

    #[test]
    fn each_kind_of_alert_is_read() {
        let event = || "page_view".to_owned();
        let above = When::Above {
            event: "error".to_owned(),
            most: 20,
            seconds: 900,
            bucket: Granularity::Minute,
        };
        assert_eq!(when("event = \"error\"\nabove = 20\nwithin = \"15m\""), above);
        assert_eq!(when("spike = 300"), When::Spike { event: event(), percent: 300 });
        assert_eq!(when("drop = 80"), When::Drop { event: event(), percent: 80 });
        assert_eq!(
            when("new_error = true"),
            When::Error { event: "error".to_owned(), returned: false }
        );
        assert_eq!(
            when("returned_error = true"),
            When::Error { event: "error".to_owned(), returned: true }
        );
        assert_eq!(when("silent_for = \"6h\""), When::Silent { seconds: 21_600 });
        assert_eq!(when("file_above = 5"), When::FileAbove { bytes: 5 });
        assert_eq!(when("disk_below = 5"), When::DiskBelow { bytes: 5 });
    }

    #[test]
    fn what_can_not_be_meant_is_told() {
        check(
            "[alert.a]\nabove = 1",
            "beacons.toml:2:9: \"above\" needs the time in which so many are too many; write within = \
             \"15m\", say",
        );
        check(
            "[alert.a]\nabove = 1\nwithin = \"15m\"",
            "beacons.toml:3:10: \"15m\" is shorter than the shortest bucket of page_view; add \"minute\" \
             to its granularities",
        );
        check(
            "[alert.a]\nspike = 1\ndrop = 1",
            "beacons.toml:1:8: this alert needs exactly one of \"above\", \"spike\", \"drop\", \
             \"new_error\", \"returned_error\", \"silent_for\", \"file_above\" or \"disk_below\"",
        );
        check(
            "[alert.a]\nsite = \"defualt\"\nspike = 1",
            "beacons.toml:2:8: no site is called \"defualt\"; did you mean \"default\"?",
        );
        check(
            "[receiver.team]\nwebhook = \"https://hooks.example/x\"\n[alert.a]\nspike = 1\nsend_to = [\"taem\"]",
            "beacons.toml:5:12: no [receiver] is called \"taem\"; did you mean \"team\"?",
        );
        check(
            "[receiver.team]\nwebhook = \"secret\"",
            "beacons.toml:2:11: the webhook is not an address; write one such as \"https://ntfy.sh\"",
        );
        check(
            "[receiver.me]\nsmtp = \"smtp://localhost\"\nfrom = \"a@b.example\"\nto = [\"me\"]",
            "beacons.toml:4:7: \"me\" is not an e-mail address",
        );
        check(
            "[receiver.me]\ntopic = \"x\"",
            "beacons.toml:1:11: a receiver has either a \"webhook\" or an \"smtp\" server",
        );
        check(
            "[alert.a]\nsilent_for = \"5m\"",
            "beacons.toml:2:14: silence is told by the hour; write \"1h\" or more",
        );
    }
}

//! Messages to receivers: one JSON body that Slack, Discord and ntfy accept, or a mail.

use std::time::Duration;

use lettre::{SmtpTransport, Transport as _, message::header::ContentType};
use serde_json::{Value, json};
use url::Url;

use crate::{
    config::wanted::{By, Receiver},
    store::alerts::Notice,
};

/// How long a receiver may take, from the first byte to the last.
const SEND_TIME: Duration = Duration::from_secs(10);

/// The longest text, in characters: Discord takes 2,000.
const TEXT_MAX: usize = 1_900;

/// What came of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// The receiver has taken it.
    Taken,
    /// It was not taken, and why, without the receiver's address.
    Failed(String),
}

/// Sends a message to `receiver`, and waits for its answer.
pub fn send(receiver: &Receiver, notice: &Notice, recovery: bool) -> Sent {
    match &receiver.by {
        By::Webhook { url, topic } => to_webhook(url, topic.as_deref(), notice, recovery),
        By::Mail { server, from, to } => {
            let message = mail(from, to, notice, recovery);
            message.map_or_else(Sent::Failed, |message| to_mail_server(server, &message))
        }
    }
}

/// The message as a mail of plain text.
fn mail(
    from: &str,
    to: &[String],
    notice: &Notice,
    recovery: bool,
) -> Result<lettre::Message, String> {
    let wrong = |_| "an e-mail address is none".to_owned();
    let mut builder = lettre::Message::builder()
        .from(from.parse().map_err(wrong)?)
        .subject(title(notice, recovery))
        .header(ContentType::TEXT_PLAIN);
    for to in to {
        builder = builder.to(to.parse().map_err(wrong)?);
    }
    builder.body(format!("{}\n", notice.what)).map_err(|_| "the mail can't be written".to_owned())
}

fn to_mail_server(server: &Url, message: &lettre::Message) -> Sent {
    let Ok(builder) = SmtpTransport::from_url(server.as_str()) else {
        return Sent::Failed("its address is not one of a mail server".to_owned());
    };
    match builder.timeout(Some(SEND_TIME)).build().send(message) {
        Ok(_) => Sent::Taken,
        // What a mail server says may name people: its code does not.
        Err(error) => Sent::Failed(match error.status() {
            Some(code) => format!("it answered {code}"),
            None if error.is_timeout() => "it did not answer in time".to_owned(),
            None => "it could not be reached".to_owned(),
        }),
    }
}

fn to_webhook(url: &Url, topic: Option<&str>, notice: &Notice, recovery: bool) -> Sent {
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(SEND_TIME))
        .max_redirects(0)
        .http_status_as_error(false)
        .build()
        .new_agent();
    let body = body(topic, notice, recovery).to_string();
    let request = agent.post(url.as_str());
    let request = request.header("content-type", "application/json");
    match request.send(body.as_bytes()) {
        Ok(answer) if answer.status().is_success() => Sent::Taken,
        Ok(answer) => Sent::Failed(format!("it answered {}", answer.status().as_u16())),
        // The error of a request may name its address; its kind does not.
        Err(ureq::Error::Timeout(_)) => Sent::Failed("it did not answer in time".to_owned()),
        Err(ureq::Error::HostNotFound) => Sent::Failed("its host was not found".to_owned()),
        Err(ureq::Error::ConnectionFailed | ureq::Error::Io(_)) => {
            Sent::Failed("it could not be reached".to_owned())
        }
        Err(_) => Sent::Failed("the request failed".to_owned()),
    }
}

/// Slack reads `text`, Discord `content`, ntfy `title`, `message` and `topic`; programs read the rest. What the
/// first two read has strangers' words in it, of which nothing may call anybody or lead anywhere.
fn body(topic: Option<&str>, notice: &Notice, recovery: bool) -> Value {
    let title = title(notice, recovery);
    let what: String = notice.what.chars().take(TEXT_MAX).collect();
    let text = format!("{title}\n{}", notice.what);
    let mut body = json!({
        "text": written(&text, in_slack),
        "content": written(&text, in_discord),
        "allowed_mentions": { "parse": [] },
        "title": title,
        "message": what,
        "alert": notice.alert,
        "site": notice.site,
        "subject": notice.subject,
        "state": if recovery { "over" } else { "begun" },
    });
    if let (Some(topic), Some(fields)) = (topic, body.as_object_mut()) {
        fields.insert("topic".to_owned(), topic.into());
    }
    body
}

/// `Silence (example.com)`, `Over: Silence (example.com)`.
fn title(notice: &Notice, recovery: bool) -> String {
    let site = if notice.site.is_empty() { String::new() } else { format!(" ({})", notice.site) };
    let over = if recovery { "Over: " } else { "" };
    format!("{over}{}{site}", notice.alert)
}

/// `text` with what `instead` puts in the place of some characters, as much of it as a message may have.
fn written(text: &str, instead: impl Fn(char) -> Option<&'static str>) -> String {
    let (mut written, mut left) = (String::new(), TEXT_MAX);
    for character in text.chars() {
        let instead = instead(character);
        let length = instead.map_or(1, |instead| instead.chars().count());
        if length > left {
            break;
        }
        left -= length;
        match instead {
            Some(instead) => written.push_str(instead),
            None => written.push(character),
        }
    }
    written
}

/// Slack's own marks begin with one of the three characters that it wants escaped
/// (<https://docs.slack.dev/messaging/formatting-message-text#escaping>); others that read its messages know
/// `@all` and links of Markdown, which end at the spaces of no width.
const fn in_slack(character: char) -> Option<&'static str> {
    match character {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        _ => apart(character),
    }
}

/// Beside `allowed_mentions` (<https://docs.discord.com/developers/resources/message#allowed-mentions-object>),
/// so that nothing looks like a mention or a link with another name either.
const fn in_discord(character: char) -> Option<&'static str> {
    match character {
        '<' => Some("<\u{200b}"),
        _ => apart(character),
    }
}

/// A space of no width behind what a mention begins with, and behind the name of a link.
const fn apart(character: char) -> Option<&'static str> {
    match character {
        '@' => Some("@\u{200b}"),
        ']' => Some("]\u{200b}"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(what: &str) -> Notice {
        let [alert, site] = ["New & bad", "a.example"].map(str::to_owned);
        Notice { alert, site, subject: String::new(), what: what.to_owned() }
    }

    #[test]
    fn a_stranger_calls_nobody_and_shows_no_link_under_another_name() {
        let what = "@everyone <!channel> <@1> [sign in](http://evil.test/x) a & b";
        let body = body(None, &notice(what), false);
        assert_eq!(
            body["text"],
            "New &amp; bad (a.example)\n@\u{200b}everyone &lt;!channel&gt; &lt;@\u{200b}1&gt; \
             [sign in]\u{200b}(http://evil.test/x) a &amp; b"
        );
        assert_eq!(
            body["content"],
            "New & bad (a.example)\n@\u{200b}everyone <\u{200b}!channel> <\u{200b}@\u{200b}1> \
             [sign in]\u{200b}(http://evil.test/x) a & b"
        );
        assert_eq!(body["allowed_mentions"], json!({ "parse": [] }));
        // Programs, and receivers to which none of it means anything, read it as it is.
        assert_eq!(
            (&body["message"], &body["title"]),
            (&json!(what), &json!("New & bad (a.example)"))
        );
    }

    #[test]
    fn what_is_escaped_makes_no_message_too_long_to_be_taken() {
        for what in ["@".repeat(3000), "<".repeat(3000), "a".repeat(3000)] {
            let body = body(None, &notice(&what), true);
            for field in ["text", "content"] {
                let length = body[field].as_str().map_or(0, |text| text.chars().count());
                assert!((TEXT_MAX - 4..=TEXT_MAX).contains(&length), "{field}: {length}");
            }
            assert!(!body["text"].as_str().is_some_and(|text| text.ends_with("&l")));
        }
    }
}

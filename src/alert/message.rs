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

/// Slack reads `text`, Discord `content`, ntfy `title`, `message` and `topic`; programs read the rest.
fn body(topic: Option<&str>, notice: &Notice, recovery: bool) -> Value {
    let title = title(notice, recovery);
    let what: String = notice.what.chars().take(TEXT_MAX).collect();
    let text = format!("{title}\n{what}");
    let mut body = json!({
        "text": text,
        "content": text,
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

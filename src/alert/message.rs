//! Messages to receivers: one JSON body that Slack, Discord and ntfy accept, sent over HTTP.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{config::wanted::Receiver, store::alerts::Notice};

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
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(SEND_TIME))
        .max_redirects(0)
        .http_status_as_error(false)
        .build()
        .new_agent();
    let body = body(receiver, notice, recovery).to_string();
    let request = agent.post(receiver.webhook.as_str());
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
fn body(receiver: &Receiver, notice: &Notice, recovery: bool) -> Value {
    let site = if notice.site.is_empty() { String::new() } else { format!(" ({})", notice.site) };
    let title = match recovery {
        true => format!("Over: {}{site}", notice.alert),
        false => format!("{}{site}", notice.alert),
    };
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
    if let (Some(topic), Some(fields)) = (&receiver.topic, body.as_object_mut()) {
        fields.insert("topic".to_owned(), topic.as_str().into());
    }
    body
}

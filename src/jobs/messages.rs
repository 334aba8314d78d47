//! Sends the messages of alerts. A receiver that fails is tried again, ever more seldom, and gives up
//! in the end; none waits for another.

use std::{collections::BTreeMap, thread, time::Duration};

use tokio::runtime::Handle;
use tracing::warn;

use super::contract::Job;
use crate::{
    alert::{self, Sent},
    app::App,
    clock,
    store::{
        self,
        alerts::{self, Message},
    },
    writer::Affects,
};

/// The job.
pub(super) const JOB: Job = Job { name: "messages", every: Duration::from_secs(5), run };

/// How many messages are looked at once.
const DUE_MAX: u32 = 100;

/// How often a message is tried.
const TRIES_MAX: i64 = 8;

/// How long after the first try the second follows, in seconds; each further one takes twice as long.
const RETRY_SECONDS: i64 = 15;

fn run(app: &App) {
    let due = app.readers.snapshot(|file| alerts::due(file, clock::now(), DUE_MAX));
    let due = match due {
        Ok(due) => due,
        Err(error) => return warn!(%error, "the messages of alerts can't be read"),
    };
    let mut by_receiver: BTreeMap<String, Vec<Message>> = BTreeMap::new();
    for message in due {
        by_receiver.entry(message.receiver.clone()).or_default().push(message);
    }
    let handle = Handle::current();
    thread::scope(|scope| {
        for (receiver, messages) in by_receiver {
            let handle = handle.clone();
            scope.spawn(move || send_all(app, &handle, &receiver, messages));
        }
    });
}

/// Sends what one receiver waits for, in order, and stops at the first failure.
fn send_all(app: &App, handle: &Handle, name: &str, messages: Vec<Message>) {
    let registry = app.registry.get();
    let receiver = registry.receivers.iter().find(|receiver| receiver.name == name);
    for message in messages {
        let sent = match receiver {
            Some(receiver) => alert::send(receiver, &message.notice, message.recovery),
            None => Sent::Failed("it is no longer declared".to_owned()),
        };
        let is_taken = sent == Sent::Taken;
        if let Sent::Failed(why) = &sent {
            warn!(receiver = name, alert = message.notice.alert, why, "a message was not taken");
        }
        if let Err(error) = handle.block_on(note(app, message, sent)) {
            warn!(%error, "what came of a message could not be noted: it may be sent again");
        }
        if !is_taken {
            return;
        }
    }
}

async fn note(app: &App, message: Message, sent: Sent) -> Result<(), store::Error> {
    let wait = RETRY_SECONDS << message.tries.clamp(0, TRIES_MAX);
    let next_at = clock::now() + wait;
    let outcome = match sent {
        Sent::Taken => Some("sent".to_owned()),
        Sent::Failed(why) => (message.tries + 1 >= TRIES_MAX).then_some(why),
    };
    let change = move |file: &store::Transaction<'_>| {
        alerts::note_try(file, message.id, outcome.as_deref(), next_at)
    };
    app.writer.change(Affects::Nothing, change).await
}

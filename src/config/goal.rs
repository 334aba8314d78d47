//! `[goal.NAME]`: an event or a page that the owner wants visitors to reach.

use std::sync::Arc;

use toml::Spanned;

use super::{error::Fault, file, registry::EventType, value, wanted::Goal};

/// How many goals there may be.
const GOALS_MAX: usize = 50;

/// The event type of a goal that is a page.
const PAGE_VIEW: &str = "page_view";

/// Checks every goal; `events` are those that it may name.
pub(super) fn check_all(
    written: &[(Spanned<String>, file::Goal)],
    events: &[Arc<EventType>],
) -> Result<Vec<Goal>, Fault> {
    if let Some((name, _)) = written.get(GOALS_MAX) {
        return Err(Fault::at(name, format!("there are more than {GOALS_MAX} goals")));
    }
    written.iter().map(|(name, goal)| check(name, goal, events)).collect()
}

fn check(
    written: &Spanned<String>,
    goal: &file::Goal,
    events: &[Arc<EventType>],
) -> Result<Goal, Fault> {
    let plain = value::free_name("a goal", written)?;
    let named =
        |event: &str, identifier| Goal { name: plain.clone(), event: event.to_owned(), identifier };
    let text = |text: &Spanned<String>| text.get_ref().trim().to_owned();
    match (&goal.event, &goal.page) {
        (Some(event), None) => {
            let known: Vec<&str> = events.iter().map(|event| &*event.name).collect();
            let name = value::known_name("event type", event, &known)?;
            Ok(named(&name, goal.identifier.as_ref().map(text)))
        }
        (None, Some(page)) if goal.identifier.is_none() => Ok(named(PAGE_VIEW, Some(text(page)))),
        (_, Some(page)) => {
            let message = "a goal is a page, or an event with or without an identifier; keep one";
            Err(Fault::at(page, message))
        }
        (None, None) => Err(Fault::at(
            written,
            "this goal needs a \"page\" or an \"event\"; write page = \"/thanks\", say",
        )),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use crate::config::{
        parse,
        tests::{FILE, check},
    };

    #[test]
    fn a_goal_is_a_page_or_an_event() {
        let text = "[goal.Signup]\nevent = \"signup\"\n[goal.\"Order placed\"]\npage = \"/thanks\"";
        let goals = parse(text, FILE).unwrap().goals;
        let found: Vec<_> = goals
            .iter()
            .map(|goal| (goal.name.as_str(), goal.event.as_str(), goal.identifier.as_deref()))
            .collect();
        let expected = [("Signup", "signup", None), ("Order placed", "page_view", Some("/thanks"))];
        assert_eq!(found, expected);
        check(
            "[goal.a]\nevent = \"signpu\"",
            "beacons.toml:2:9: no event type is called \"signpu\"; did you mean \"signup\"?",
        );
        check(
            "[goal.a]",
            "beacons.toml:1:7: this goal needs a \"page\" or an \"event\"; write page = \"/thanks\", \
             say",
        );
        check(
            "[goal.a]\npage = \"/a\"\nevent = \"signup\"",
            "beacons.toml:2:8: a goal is a page, or an event with or without an identifier; keep one",
        );
    }
}

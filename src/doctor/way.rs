//! Questions about the way that requests come: proxies, names, TLS.

use super::{Finding, Patient, State, finding, unknown, well};
use crate::observed::Seen;

/// From how many beacons on it is strange that all of them come from one address.
const BEACONS_MIN: u64 = 50;

pub(super) fn examine(patient: &Patient<'_>) -> Vec<Finding> {
    vec![addresses(patient), name(patient), tls(patient)]
}

fn addresses(patient: &Patient<'_>) -> Finding {
    const ABOUT: &str = "Visitors’ addresses";
    let Some(seen) = patient.seen else { return unknown(ABOUT) };
    let to_do = "Put the proxy’s address into trusted_proxies in beacons.toml, and let it send \
                 X-Forwarded-For.";
    match seen {
        Seen { passed_on: passed_on @ 1.., .. } => finding(
            ABOUT,
            State::Wrong,
            format!(
                "{passed_on} beacons came through a proxy that is not trusted, so the proxy’s address was \
                 taken for the visitor’s.",
            ),
            to_do,
        ),
        Seen { has_many_senders: false, beacons: BEACONS_MIN.., .. } => finding(
            ABOUT,
            State::Wrong,
            "Every beacon came from one address, as if there were one visitor.",
            to_do,
        ),
        Seen { has_many_senders: true, .. } => well(ABOUT, "Beacons came from several addresses."),
        _ => well(ABOUT, "Too few beacons came yet to say more."),
    }
}

fn name(patient: &Patient<'_>) -> Finding {
    const ABOUT: &str = "base_url";
    let Some(base_url) = &patient.registry.server.base_url else {
        return match patient.registry.server.listen.is_local() {
            true => well(ABOUT, "None is set, as on one’s own machine."),
            false => finding(
                ABOUT,
                State::Advice,
                "None is set, so the server believes browsers about its name.",
                "Set base_url in beacons.toml to the address that browsers see.",
            ),
        };
    };
    match patient.seen {
        None => unknown(ABOUT),
        Some(Seen { by_other_name: 0, .. }) => well(ABOUT, format!("Browsers ask for {base_url}.")),
        Some(Seen { by_own_name, by_other_name, .. }) => finding(
            ABOUT,
            if by_own_name == 0 { State::Wrong } else { State::Advice },
            format!(
                "{by_other_name} pages were asked for under another name than {base_url}, and {by_own_name} \
                 under this one."
            ),
            "Set base_url to the address that browsers see, and let the proxy pass on Host.",
        ),
    }
}

fn tls(patient: &Patient<'_>) -> Finding {
    const ABOUT: &str = "TLS";
    let server = &patient.registry.server;
    if server.is_https() {
        return well(ABOUT, "Browsers come by https.");
    }
    let in_plain = patient.seen.map(|seen| seen.in_plain).unwrap_or_default();
    if in_plain == 0 && server.listen.is_local() {
        return well(ABOUT, "None is needed: only this machine reaches the server.");
    }
    let why = match in_plain {
        0 => format!("The server listens on {} without TLS.", server.listen),
        pages => format!(
            "{pages} pages were sent elsewhere without TLS: passwords and figures in plain."
        ),
    };
    let to_do = "Set up [server.tls], or put a proxy with TLS in front and set base_url to its https address.";
    finding(ABOUT, State::Wrong, why, to_do)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;
    use crate::config;

    fn states(toml: &str, seen: Seen) -> Vec<State> {
        let registry = config::parse(toml, "beacons.toml").unwrap();
        let patient = Patient {
            registry: &registry,
            readers: None,
            seen: Some(seen),
            put_off: None,
            in_force: None,
            now: 0,
        };
        examine(&patient).into_iter().map(|finding| finding.state).collect()
    }

    #[test]
    fn a_proxy_that_is_not_trusted_and_a_wrong_name_are_noticed() {
        use State::{Advice, Well, Wrong};
        let none = Seen::default();
        assert_eq!(states("", none), [Well, Well, Well]);
        assert_eq!(states("", Seen { beacons: 60, passed_on: 60, ..none }), [Wrong, Well, Well]);
        assert_eq!(states("", Seen { beacons: 60, ..none }), [Wrong, Well, Well]);
        let many = Seen { beacons: 60, has_many_senders: true, ..none };
        assert_eq!(states("", many), [Well, Well, Well]);
        assert_eq!(states("", Seen { in_plain: 1, ..none }), [Well, Well, Wrong]);
        let everywhere = "[server]\nlisten = \"0.0.0.0:80\"";
        assert_eq!(states(everywhere, none), [Well, Advice, Wrong]);
        let named = "[server]\nbase_url = \"https://stats.example\"";
        assert_eq!(states(named, Seen { by_own_name: 9, ..none }), [Well, Well, Well]);
        assert_eq!(states(named, Seen { by_other_name: 9, ..none }), [Well, Wrong, Well]);
        let both = Seen { by_own_name: 1, by_other_name: 1, ..none };
        assert_eq!(states(named, both), [Well, Advice, Well]);
    }

    #[test]
    fn without_a_server_some_questions_stay_open() {
        let registry = config::embedded().unwrap();
        let findings = examine(&Patient {
            registry: &registry,
            readers: None,
            seen: None,
            put_off: None,
            in_force: None,
            now: 0,
        });
        assert!(findings.iter().any(|finding| finding.state == State::Open));
    }
}

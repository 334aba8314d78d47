//! `beacons.toml`, in two steps: as written, then as meant.
//!
//! What is left to others: overrides from the command line, and whether the files that it names are
//! there.

mod alert;
mod breakdown;
pub mod current;
mod error;
mod event;
mod file;
mod goal;
mod left_out;
mod limits;
mod listen;
mod meaning;
mod mount;
mod nearest;
pub mod registry;
mod retention;
mod server;
mod site;
mod tls;
mod value;
pub mod wanted;

use std::{fs, io::Read, path::Path, sync::Arc};

pub use error::Error;
use error::Fault;
pub use left_out::left_out;
use registry::{EventType, Registry};
use toml::Spanned;

/// A larger file is not one of ours.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// The name by which errors call the embedded default.
const DEFAULT_NAME: &str = "beacons.toml (built in)";
/// The name of the rules for event types that nobody declared.
const UNKNOWN_NAME: &str = "unknown";
/// The words for what happens to event types that nobody declared, and whether they are accepted.
const UNKNOWN: [(&str, bool); 2] = [("reject", false), ("accept", true)];

/// The registry of the file at `path`, or the embedded default.
///
/// # Errors
/// When the file can't be read, is larger than 1 MiB, or says something that can't be meant.
pub fn load(path: Option<&Path>) -> Result<Registry, Error> {
    let Some(path) = path else {
        return embedded();
    };
    let text = read(path).map_err(|cause| Error::Read { path: path.to_owned(), cause })?;
    parse(&text, &path.display().to_string())
}

/// The registry of `text`, the content of a file which errors call `file_name`.
///
/// # Errors
/// When it says something that can't be meant.
pub fn parse(text: &str, file_name: &str) -> Result<Registry, Error> {
    let defaults = embedded()?.events;
    check(text, defaults).map_err(|fault| fault.place(text, file_name))
}

/// The registry of the embedded default.
///
/// # Errors
/// Never in a build whose tests pass.
pub fn embedded() -> Result<Registry, Error> {
    check(default_text(), Vec::new()).map_err(|fault| fault.place(default_text(), DEFAULT_NAME))
}

/// The commented default, `beacons.toml` of the source tree.
pub const fn default_text() -> &'static str {
    include_str!("../../beacons.toml")
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    fs::File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
    if u64::try_from(text.len()).is_ok_and(|bytes| bytes <= FILE_BYTES_MAX) {
        return Ok(text);
    }
    Err(std::io::Error::other("it is larger than 1 MiB, which no beacons.toml is"))
}

/// Reads `text`; its event types join `events`, where the same name replaces.
fn check(text: &str, mut events: Vec<Arc<EventType>>) -> Result<Registry, Fault> {
    let written: file::File = toml::from_str(text)?;
    for (name, event) in &written.event.0 {
        let event = Arc::new(event::check(name, event)?);
        match events.iter_mut().find(|earlier| earlier.name == event.name) {
            Some(earlier) => *earlier = event,
            None => events.push(event),
        }
    }
    let accept = match &written.unknown {
        Some(word) => value::word("a value of unknown", word, &UNKNOWN)?,
        None => false,
    };
    let unknown = if accept {
        let name = Spanned::new(0..0, UNKNOWN_NAME.to_owned());
        Some(Arc::new(event::check(&name, &file::Event::default())?))
    } else {
        None
    };
    let zone = server::zone(&written.server)?;
    let sites = site::check_all(&written.site, &zone)?;
    let receivers = alert::check_receivers(&written.receiver.0)?;
    let alerts = alert::check_all(&written.alert.0, &sites, &events, &receivers)?;
    Ok(Registry {
        server: server::check(written.server)?,
        sites,
        receivers,
        alerts,
        goals: goal::check_all(&written.goal.0, &events)?,
        events,
        unknown,
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use std::fmt::Debug;

    use proptest::prelude::*;

    use super::*;
    use crate::model::{dimension::Dimension, period::Granularity};

    pub(super) const FILE: &str = "beacons.toml";

    /// Holds what is said about `text`.
    #[track_caller]
    pub(super) fn check(text: &str, expected: &str) {
        assert_eq!(parse(text, FILE).unwrap_err().to_string(), expected, "{text}");
    }

    /// The event type whose keys are `body`.
    #[track_caller]
    pub(super) fn event(body: &str) -> Arc<EventType> {
        parse(&format!("[event.test]\n{body}"), FILE).unwrap().event("test").unwrap().clone()
    }

    fn same(one: &impl Debug, other: &impl Debug) {
        assert_eq!(format!("{one:#?}"), format!("{other:#?}"));
    }

    #[test]
    fn the_embedded_default_is_what_an_empty_file_means() {
        let registry = embedded().unwrap();
        same(&registry, &parse("", FILE).unwrap());
        same(&registry, &parse(default_text(), FILE).unwrap());
        assert_eq!(registry.server.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(registry.sites.len(), 1);
        assert!(registry.sites.iter().all(|site| site.takes_host("anything.example")));
        assert!(registry.unknown.is_none());
        let page_view = registry.event("page_view").unwrap();
        assert!(page_view.visits);
        assert_eq!(page_view.retention_days, [(Granularity::Hour, 90), (Granularity::Day, 1095)]);
        assert_eq!(page_view.finest(), Granularity::Hour);
        assert!(page_view.pairs.contains(&Dimension::Source));
        let engagement = registry.event("engagement").unwrap();
        assert!(engagement.measures.iter().any(|one| one.bounds.last() == Some(&1_800_000)));
    }

    // Without TLS its lines are refused.
    #[cfg(feature = "tls")]
    #[test]
    fn the_examples_of_the_embedded_default_can_be_used() {
        let is_example =
            |line: &&str| line.starts_with('#') && !line.starts_with("# ") && *line != "#";
        let examples = default_text().lines().filter(is_example).count();
        assert!(examples > 10);
        let lines = default_text().lines().map(|line| match is_example(&line) {
            true => line.trim_start_matches('#'),
            false => line,
        });
        let registry = parse(&lines.collect::<Vec<_>>().join("\n"), FILE).unwrap();
        let site = registry.site("example.com").unwrap();
        assert_eq!(site.hosts, ["example.com", "example.org", "shop.example.com"]);
        assert_eq!(site.zone_name, "Europe/Berlin");
        assert_eq!(site.allowed_origins.len(), 2);
        assert_eq!(registry.server.trusted_proxies.len(), 2);
        assert_eq!(registry.event("page_view").unwrap().query_kept, ["page"]);
    }

    #[test]
    fn the_embedded_default_shows_every_key() {
        let tables = [
            "wrong = 1",
            "[server]\nwrong = 1",
            "[server.limits]\nwrong = 1",
            "[server.tls]\nwrong = 1",
            "[server.tls.acme]\nwrong = 1",
            "[[site]]\nwrong = 1",
            "[event.a]\nwrong = 1",
            "[event.a.limits]\nwrong = 1",
        ];
        let mut keys = 0;
        for table in tables {
            let error = toml::from_str::<file::File>(table).unwrap_err();
            let (_, expected) = error.message().rsplit_once("expected ").unwrap();
            for key in expected.split('`').skip(1).step_by(2) {
                keys += 1;
                let shown = regex::Regex::new(&format!(
                    r"(?m)(^#?|[{{ ]){key} = |^#?\[+(server\.)?{key}[.\]]"
                ));
                assert!(shown.unwrap().is_match(default_text()), "{key} is not shown");
            }
        }
        assert!(keys > 35, "{keys}");
    }

    #[test]
    fn an_empty_event_type_has_the_defaults_that_are_documented() {
        let documented = r#"
            identifier = "page_path"
            granularities = ["hour", "day", "month", "year"]
            retention = { hour = "90d", day = "3y", month = "forever", year = "forever" }
            visits = false
            raw = false
            dedupe = "10s"
            dedupe_by = "id"
            [event.test.limits]
            identifiers_per_day = 5000
            values_per_dimension = 500
            identifier_bytes = 512
            meta_bytes = 2048
        "#;
        same(&event(""), &event(documented));
    }

    #[test]
    fn event_types_of_a_file_join_the_defaults_and_replace_the_same_name() {
        let registry = parse("[event.b]\n[event.page_view]\n[event.a]", FILE).unwrap();
        let defaults = embedded().unwrap();
        let names = |registry: &Registry| {
            registry.events.iter().map(|event| event.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(names(&registry), [names(&defaults), vec!["b".into(), "a".into()]].concat());
        assert!(!registry.event("page_view").unwrap().visits);
        assert!(registry.event("c").is_none());
        let accepting = parse("unknown = \"accept\"", FILE).unwrap();
        assert_eq!(accepting.event("c").unwrap().name, UNKNOWN_NAME);
    }

    #[test]
    fn what_an_event_type_leaves_out_of_the_built_in_one_is_told() {
        let lost = |text: &str| left_out(&parse(text, FILE).unwrap()).unwrap();
        assert_eq!(
            lost("[event.signup]\ndimensions = [\"source\", \"page\", \"country\", \"device\"]"),
            [
                "[event.signup] replaces the built-in one as a whole, without its identifier; dimensions channel, \
             utm_source, utm_medium, utm_campaign, entry_page"
            ]
        );
        let view = &lost("[event.page_view]\nraw = \"7d\"")[0];
        assert!(view.contains("without its visits and visitors; dimensions source, "), "{view}");
        assert!(view.ends_with("; pairs with source, country, device, utm_campaign"), "{view}");
        assert!(lost("[event.page_view]")[0].contains("single beacons (raw)"));
        assert!(lost("[event.vitals]")[0].ends_with("; measures lcp, inp, cls, fcp, ttfb"));
        for text in ["[event.mine]", "", default_text()] {
            assert_eq!(lost(text), [""; 0]);
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = load(Some(Path::new("no-such/beacons.toml"))).unwrap_err().to_string();
        assert!(error.starts_with("can't read no-such/beacons.toml: "), "{error}");
    }

    #[test]
    fn a_file_is_read_from_disk_and_a_huge_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        fs::write(&path, "[event.a]\n").unwrap();
        assert!(load(Some(&path)).unwrap().event("a").is_some());
        fs::write(&path, "#".repeat((1 << 20) + 1)).unwrap();
        assert!(load(Some(&path)).unwrap_err().to_string().contains("larger than 1 MiB"));
        assert!(load(None).is_ok());
    }

    /// Text in which each line is likely to get past the parser.
    fn nearly_a_file() -> impl Strategy<Value = String> {
        let keys: Vec<&str> =
            default_text().lines().map(|line| line.trim_start_matches('#')).collect();
        let line = prop_oneof![
            4 => proptest::sample::select(keys).prop_map(str::to_owned),
            1 => "[a-z_]{1,13} = (\"[^\\n]{0,9}\"|[0-9.]{1,9}|\\[\"[a-z× ]{0,9}\"\\]|true)",
            1 => "\\[{1,2}(server|site|event)[^\\n]{0,9}\\]{1,2}",
        ];
        proptest::collection::vec(line, 0..8).prop_map(|lines| lines.join("\n"))
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics_and_errors_are_one_line(text in "\\PC*|(?s).{0,80}") {
            if let Err(error) = parse(&text, FILE) {
                prop_assert!(!error.to_string().contains('\n'));
            }
        }

        #[test]
        fn nearly_right_text_never_panics_and_errors_are_one_line(text in nearly_a_file()) {
            if let Err(error) = parse(&text, FILE) {
                prop_assert!(!error.to_string().contains('\n'));
            }
        }
    }
}

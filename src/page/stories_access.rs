//! The pages about who may look, from literal answers.

use jiff::civil::date;

use super::{
    account::{AccountPage, Person, Session, Token},
    claim::ClaimPage,
    closed::ClosedPage,
    doctor::{DoctorPage, Finding},
    layout::Frame,
    sample,
    sign_in::SignInPage,
    storybook::Story,
};

pub(super) fn all() -> Vec<Story> {
    let whole = sample::frame("");
    let bare =
        Frame { assets: whole.assets.clone(), version: whole.version.clone(), ..Frame::default() };
    let sign_in = |name, told, wrong| {
        (name, SignInPage { frame: &bare, next: "/top?show=<b>", name: told, wrong }.render())
    };
    let claim = ClaimPage {
        frame: &bare,
        action: "/claim/abc",
        name: "j<o>",
        wrong: "A password has at least 12 characters.",
        characters_min: 12,
    };
    vec![
        ("closed", ClosedPage { frame: &bare }.render()),
        ("claim", claim.render()),
        sign_in("sign-in", "", ""),
        sign_in("sign-in-again", "j<o>", "That name and password don’t belong together."),
        ("doctor", doctor()),
        ("account", account(true)),
        ("account-viewer", account(false)),
    ]
}

fn doctor() -> Result<String, super::Error> {
    let finding = |about: &str, state, why: &str, to_do: &str| Finding {
        about: about.to_owned(),
        state,
        why: why.to_owned(),
        to_do: to_do.to_owned(),
    };
    let findings = [
        finding(
            "Visitors’ addresses",
            "wrong",
            "Every beacon came from one address, as if there were one <visitor>.",
            "Put the proxy’s address into trusted_proxies in beacons.toml, and let it send X-Forwarded-For.",
        ),
        finding("Backups", "advice", "None is made by the calendar.", "Name a folder."),
        finding("base_url", "open", "Only a running server knows.", "Ask again."),
        finding(
            "The clock",
            "well",
            "It shows 2026-11-24T14:02:07Z (UTC), and the file agrees.",
            "",
        ),
    ];
    DoctorPage { frame: &sample::frame(""), findings: &findings }.render()
}

fn account(is_owner: bool) -> Result<String, super::Error> {
    let frame =
        Frame { owner: is_owner, nav: Vec::new(), site: String::new(), ..sample::frame("") };
    let frame = Frame { time_zone: String::new(), updated_at: String::new(), ..frame };
    let session = |id, began, is_here| Session { id, began, seen: date(2026, 11, 24), is_here };
    let person = |name: &str, is_owner, sites: &[&str]| Person {
        name: name.to_owned(),
        is_owner,
        sites: sites.iter().map(|site| (*site).to_owned()).collect(),
    };
    let token = |id, label: &str, scope, site: Option<&str>, used| Token {
        id,
        label: label.to_owned(),
        scope,
        site: site.map(str::to_owned),
        made: date(2026, 10, 2),
        used,
    };
    let people = vec![
        person("jo@example.com", true, &[]),
        person("vera", false, &["example.com", "a-rather-long-name-of-a-site.example.org"]),
    ];
    let tokens = vec![
        token(1, "The screen in the <hall>", "read", Some("example.com"), Some(date(2026, 11, 23))),
        token(2, "", "admin", None, None),
    ];
    AccountPage {
        frame: &frame,
        name: "jo@example.com",
        role: if is_owner { "owner" } else { "viewer of example.com" },
        sessions: vec![session(9, date(2026, 11, 24), true), session(7, date(2026, 11, 14), false)],
        tokens: if is_owner { tokens } else { Vec::new() },
        people: if is_owner { people } else { Vec::new() },
        sites: vec!["example.com".to_owned(), "notes.example.net".to_owned()],
        characters_min: 12,
        said: if is_owner { "Token 2 does what an owner may. It is told only now:" } else { "" },
        secret: is_owner
            .then_some("tb_3f9a1c5be07d24688f3e5d1b7c90a2e46f8b13d57a9c0e2f4b6d8a1c3e5f7092"),
        is_wrong: false,
    }
    .render()
}

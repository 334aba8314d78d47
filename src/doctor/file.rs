//! Questions about the file: whether it can be used, the clock, the disk, who may read it, its backups.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use jiff::tz::TimeZone;

use super::{Chart, Finding, Patient, State, chart, finding, well};
use crate::{
    backup::schedule,
    config::registry::Access,
    model::{
        period::date_at,
        rejection::Reason::{
            self, Automated, Bot, Implausible, OwnVisit, Prefetch, PrivacySignal, ReferrerSpam,
            Repeat,
        },
    },
    page::{filtered, number},
    store,
};

/// How far the clock may be behind what the file knows, in seconds.
const BEHIND_SECONDS_MAX: i64 = 300;

/// No clock that is right shows a time before this release: 2026-01-01, UTC seconds.
const EARLIEST: i64 = 1_767_225_600;

/// Below that much free room, in bytes, or below the size of the file, the disk is nearly full.
const FREE_BYTES_MIN: i64 = 256 * 1024 * 1024;

/// How old the last backup by the calendar may be, in days.
const BACKUP_DAYS_MAX: i32 = 2;

/// Refusals that are what rules are for.
const AS_MEANT: [Reason; 8] =
    [Bot, Automated, Implausible, Prefetch, ReferrerSpam, OwnVisit, PrivacySignal, Repeat];

pub(super) fn examine(patient: &Patient<'_>) -> Vec<Finding> {
    let database = &patient.registry.server.database;
    let chart = chart(patient);
    let mut findings = vec![usable(database, chart.as_ref().err())];
    findings.extend(patient.put_off.map(counting));
    if let Ok(chart) = &chart {
        findings.push(clock(patient.now, chart.latest));
        findings.push(refusals(chart));
        findings.push(sites(patient, chart));
        findings.push(sign_in(patient, chart));
    }
    let bytes = chart.as_ref().map(|chart| chart.bytes).unwrap_or_default();
    findings.extend(disk(database, bytes));
    findings.push(permissions(database));
    findings.push(backups(patient));
    findings
}

fn usable(database: &Path, error: Option<&store::Error>) -> Finding {
    const ABOUT: &str = "The file";
    let shown = database.display();
    match error {
        None => well(ABOUT, format!("{shown} can be read, and is of this release.")),
        Some(store::Error::Missing(_)) => finding(
            ABOUT,
            State::Advice,
            format!("There is no {shown} yet."),
            "Start the server once: it makes the file.",
        ),
        Some(store::Error::Older { found, known, .. }) => finding(
            ABOUT,
            State::Advice,
            format!(
                "{shown} is of an older release: its schema is {found}, that of this one {known}."
            ),
            "Start the server of this release once: it keeps a copy of what was before.",
        ),
        Some(store::Error::Newer { found, known, .. }) => finding(
            ABOUT,
            State::Wrong,
            format!(
                "{shown} is of a newer release: its schema is {found}, this one knows {known}."
            ),
            "Install that release again, or go back with restore --rollback.",
        ),
        Some(error) => finding(
            ABOUT,
            State::Wrong,
            format!("{shown} can’t be used: {error}."),
            "If you may not read it, ask as the user that runs the server; else see what verify says, or bring a \
             backup back with restore.",
        ),
    }
}

fn counting(waiting: u64) -> Finding {
    let waiting =
        number::counted(i64::try_from(waiting).unwrap_or(i64::MAX), "beacon waits", "beacons wait");
    finding(
        "Counting",
        State::Wrong,
        format!("It fails: {waiting} in the file to be counted."),
        "The server’s log says why: make room on the disk, or see what verify says.",
    )
}

fn clock(now: i64, latest: Option<i64>) -> Finding {
    const ABOUT: &str = "The clock";
    let shown = |at| crate::model::period::timestamp(at).to_string();
    if now < EARLIEST {
        let why = format!("The clock shows {}, which is before this release was made.", shown(now));
        return finding(ABOUT, State::Wrong, why, "Set it, and let it be kept right by NTP.");
    }
    match latest {
        Some(latest) if latest > now + BEHIND_SECONDS_MAX => finding(
            ABOUT,
            State::Wrong,
            format!(
                "The clock shows {}, but the file was written at {} already.",
                shown(now),
                shown(latest)
            ),
            "Set the clock; if it is right, it was wrong before, and what was counted then has wrong hours.",
        ),
        _ => well(ABOUT, format!("It shows {} (UTC), and the file agrees.", shown(now))),
    }
}

fn refusals(chart: &Chart) -> Finding {
    const ABOUT: &str = "Refused beacons";
    let unmeant: Vec<&(Reason, i64)> =
        chart.refused.iter().filter(|(reason, _)| !AS_MEANT.contains(reason)).collect();
    let Some((reason, _)) = unmeant.first() else {
        return well(ABOUT, "In the last hour none was refused but those that rules are for.");
    };
    let count: i64 = unmeant.iter().map(|(_, count)| count).sum();
    let counted = number::counted(count, "beacon was", "beacons were");
    let title = filtered::title(*reason);
    finding(
        ABOUT,
        State::Advice,
        format!("In the last hour {counted} refused, most for this: {title}."),
        "See the last of them under Live, and all by reason under Filtered.",
    )
}

fn sites(patient: &Patient<'_>, chart: &Chart) -> Finding {
    const ABOUT: &str = "Sites";
    let mut undeclared = chart.sites.iter().filter(|name| patient.registry.site(name).is_none());
    let Some(name) = undeclared.next() else {
        return well(ABOUT, "Every site that was ever counted is declared.");
    };
    let others = match undeclared.count() {
        0 => String::new(),
        others => format!(
            " and {}",
            number::counted(i64::try_from(others).unwrap_or(i64::MAX), "other", "others")
        ),
    };
    finding(
        ABOUT,
        State::Advice,
        format!(
            "The file holds counts of {name}{others}, not declared in beacons.toml, so that no page shows them."
        ),
        format!(
            "trim-beacons edit move-site {name} NAME gives them to the site NAME, or declare {name}."
        ),
    )
}

fn sign_in(patient: &Patient<'_>, chart: &Chart) -> Finding {
    const ABOUT: &str = "Who may look";
    let server = &patient.registry.server;
    let is_local = server.listen.is_local();
    match server.access {
        Access::Open if is_local => {
            well(ABOUT, "Nobody has to sign in, and only this machine reaches the server.")
        }
        Access::Open => finding(
            ABOUT,
            State::Wrong,
            format!("Nobody has to sign in, and the server listens on {}.", server.listen),
            "Set access = \"sign-in\", or listen on 127.0.0.1 behind a proxy that asks who it is.",
        ),
        Access::SignIn if chart.has_accounts => well(ABOUT, "Whoever looks has to sign in."),
        Access::SignIn => finding(
            ABOUT,
            State::Wrong,
            "Nobody has an account yet, so nobody sees anything.",
            "Open the link that the server printed, or make an account: trim-beacons user add NAME.",
        ),
    }
}

fn disk(database: &Path, bytes: i64) -> Option<Finding> {
    const ABOUT: &str = "The disk";
    let folder = database.parent().filter(|folder| !folder.as_os_str().is_empty());
    let free = store::upkeep::disk_free(folder.unwrap_or(Path::new(".")))?;
    let shown = number::bytes(free);
    let wanted = FREE_BYTES_MIN.max(bytes);
    Some(if free >= wanted {
        well(ABOUT, format!("{shown} are free."))
    } else {
        finding(
            ABOUT,
            State::Wrong,
            format!(
                "Only {shown} are free; an upgrade or a backup needs {}.",
                number::bytes(wanted)
            ),
            "Make room, or keep less: retention in beacons.toml, then trim-beacons prune.",
        )
    })
}

fn permissions(database: &Path) -> Finding {
    const ABOUT: &str = "Who may read the files";
    let with = |ending: &str| {
        let mut path = database.as_os_str().to_owned();
        path.push(ending);
        PathBuf::from(path)
    };
    for path in ["", "-wal", "-shm", "-salt", "-secret", "-control"].map(with) {
        let mode = match fs::metadata(&path) {
            Ok(metadata) => metadata.permissions().mode() & 0o777,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                let why = format!("{} can’t be looked at: {error}.", path.display());
                return finding(
                    ABOUT,
                    State::Wrong,
                    why,
                    "Run this as the user that runs the server.",
                );
            }
        };
        if mode & 0o077 != 0 {
            let shown = path.display();
            return finding(
                ABOUT,
                State::Wrong,
                format!("Other users of this machine may read or write {shown} (mode {mode:o})."),
                format!("chmod 600 {shown}"),
            );
        }
    }
    well(ABOUT, "The database and the keys beside it are for their owner alone.")
}

fn backups(patient: &Patient<'_>) -> Finding {
    const ABOUT: &str = "Backups";
    let Some(rule) = &patient.registry.server.backup else {
        return finding(
            ABOUT,
            State::Advice,
            "None is made by the calendar.",
            "Name a folder under [server.backup] in beacons.toml, best on another disk.",
        );
    };
    let folder = rule.folder.display();
    let today = date_at(patient.now, &TimeZone::UTC);
    let to_do = "The server’s log says why; the folder must be writable and have room.";
    match schedule::last(&rule.folder) {
        Err(error) => {
            finding(ABOUT, State::Wrong, format!("The folder can’t be read: {error}."), to_do)
        }
        Ok(None) if patient.seen.is_none() => finding(
            ABOUT,
            State::Advice,
            format!("There is none in {folder} yet."),
            "The server makes the first when it starts.",
        ),
        Ok(None) => finding(ABOUT, State::Wrong, format!("There is none in {folder}."), to_do),
        Ok(Some(last)) if (today - last).get_days() > BACKUP_DAYS_MAX => {
            finding(ABOUT, State::Wrong, format!("The last one in {folder} is of {last}."), to_do)
        }
        Ok(Some(last)) => well(ABOUT, format!("The last one in {folder} is of {last}.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_behind_the_file_is_noticed() {
        let now = EARLIEST + 1_000_000;
        assert_eq!(clock(now, None).state, State::Well);
        assert_eq!(clock(now, Some(now + BEHIND_SECONDS_MAX)).state, State::Well);
        assert_eq!(clock(now, Some(now + BEHIND_SECONDS_MAX + 1)).state, State::Wrong);
        assert_eq!(clock(0, None).state, State::Wrong);
    }
}

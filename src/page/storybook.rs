//! Every page from literal answers, to be looked at: set `TRIM_BEACONS_STORYBOOK` to a folder and
//! the pages are written there.

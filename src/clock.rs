//! The system's clock. Only this file asks for it; everyone else is told.

use std::time::{SystemTime, UNIX_EPOCH};

/// Now, in UTC milliseconds; 0 before 1970.
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Now, in UTC seconds; 0 before 1970.
pub fn now() -> i64 {
    now_ms() / 1000
}

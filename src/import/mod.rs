//! Files of others, read line by line: bytes become what [`contract`] knows. No file is opened here, and
//! nothing is counted.

mod clf;
pub mod columns;
pub mod contract;
mod extended;
mod goatcounter;
mod json;
mod matomo;
mod names;
mod plausible;
pub mod table;
mod time;
mod umami;

use self::{
    contract::{Line, LogFormat},
    table::Product,
};

/// Every product whose exports are read.
pub const PRODUCTS: [Product; 4] =
    [goatcounter::PRODUCT, plausible::PRODUCT, umami::PRODUCT, matomo::PRODUCT];

/// The product called `name`.
pub fn product(name: &str) -> Option<Product> {
    PRODUCTS.into_iter().find(|product| product.name == name)
}

/// Every format of access logs, in the order in which they are tried.
pub const LOG_FORMATS: [LogFormat; 10] = [
    json::CADDY,
    json::NGINX,
    extended::CLOUDFRONT,
    extended::W3C,
    clf::LIGHTTPD,
    clf::COMBINED_VHOST_LAST,
    clf::COMBINED_VHOST,
    clf::COMMON_VHOST,
    clf::COMBINED,
    clf::COMMON,
];

/// The format called `name`.
pub fn log_format(name: &str) -> Option<LogFormat> {
    LOG_FORMATS.into_iter().find(|format| format.name == name)
}

/// The format of a log that begins with `lines`: the one that reads most of them, if any reads one.
pub fn detect<'l>(lines: impl Iterator<Item = &'l str> + Clone) -> Option<LogFormat> {
    let read = |format: &LogFormat| {
        let mut reader = (format.reader)();
        let requests =
            lines.clone().filter(|line| matches!(reader.read(line), Ok(Line::Request(_))));
        requests.count()
    };
    let counted = LOG_FORMATS.iter().map(|format| (read(format), format));
    // Of equals the first in the list, which is the one that understands more.
    let best = counted.rev().max_by_key(|(requests, _)| *requests)?;
    (best.0 > 0).then_some(*best.1)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_format_is_found_by_its_example_and_called_by_its_name() {
        for format in LOG_FORMATS {
            assert_eq!(detect(format.example.lines()).unwrap().name, format.name);
            assert_eq!(log_format(format.name).unwrap().example, format.example);
        }
        assert!(detect("what is no log\nhas no format\n\n".lines()).is_none());
        assert!(detect("".lines()).is_none());
    }

    #[test]
    fn every_table_is_known_by_its_own_product_alone_and_is_read() {
        for product in PRODUCTS {
            for example in product.examples {
                let mut records = example.lines();
                let columns = table::columns(records.next().unwrap());
                for other in PRODUCTS {
                    let opened = (other.open)(&columns).is_some();
                    assert_eq!(opened, other.name == product.name, "{} {columns:?}", other.name);
                }
                let rows = (product.open)(&columns).unwrap();
                for record in records {
                    let row = table::Row::new(&columns, record).unwrap();
                    assert!(rows.read(&row).is_ok(), "{record}");
                }
            }
        }
    }

    #[test]
    fn broken_lines_do_not_hide_the_format() {
        let text = format!("\u{16}\u{3}\n{}\nhello\n", log_format("combined").unwrap().example);
        assert_eq!(detect(text.lines()).unwrap().name, "combined");
    }

    proptest! {
        #[test]
        fn whatever_stands_in_a_line_is_read_or_refused(
            line in "[\\PC\\x00-\\x1f]{0,80}",
            cut in 0_usize..400,
            noise in "[\"\\\\\\[\\] %#-]{0,6}",
        ) {
            for format in LOG_FORMATS {
                let mut reader = (format.reader)();
                let _any = reader.read(&line).is_ok();
                for whole in format.example.lines() {
                    let cut = whole.floor_char_boundary(cut.min(whole.len()));
                    let damaged = format!("{}{noise}{}", &whole[..cut], &whole[cut..]);
                    let _any = reader.read(&damaged).is_ok();
                    let _any = reader.read(&whole[..cut]).is_ok();
                }
            }
        }
    }
}

//! One's own account: the password and the browsers that are signed in; for owners also who else may look,
//! and what programs show.

use askama::Template;
use jiff::civil::Date;

use super::{Error, date, layout::Frame, link};

/// The page.
#[derive(Debug, Template)]
#[template(path = "account.html")]
pub struct AccountPage<'a> {
    /// The frame.
    pub frame: &'a Frame,
    /// Who it is.
    pub name: &'a str,
    /// `owner`, or `viewer of a.example`.
    pub role: &'a str,
    /// The browsers that are signed in, the newest first.
    pub sessions: Vec<Session>,
    /// What programs show; for owners.
    pub tokens: Vec<Token>,
    /// Everybody; for owners.
    pub people: Vec<Person>,
    /// Every site.
    pub sites: Vec<String>,
    /// How many characters a password has at least.
    pub characters_min: usize,
    /// What came of a form; empty if none was sent.
    pub said: &'a str,
    /// A secret that is told only now.
    pub secret: Option<&'a str>,
    /// Whether the form was not carried out.
    pub is_wrong: bool,
}

/// A browser that is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its number.
    pub id: i64,
    /// The UTC day on which it began.
    pub began: Date,
    /// The UTC day on which it was last used.
    pub seen: Date,
    /// Whether it is the one that sees the page.
    pub is_here: bool,
}

/// What a program shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its number.
    pub id: i64,
    /// What it is for.
    pub label: String,
    /// `read`, `ingest` or `admin`.
    pub scope: &'static str,
    /// The one site that it is about.
    pub site: Option<String>,
    /// The UTC day on which it was made.
    pub made: Date,
    /// The UTC day on which it was last used, if ever.
    pub used: Option<Date>,
}

/// Somebody who may look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The name.
    pub name: String,
    /// Whether everything is allowed.
    pub is_owner: bool,
    /// The sites that a viewer sees.
    pub sites: Vec<String>,
}

impl Session {
    fn words(&self) -> String {
        let here = if self.is_here { "This browser, since" } else { "Since" };
        let seen = if self.seen == self.began {
            String::new()
        } else {
            format!(", last used on {}", date::date_words(self.seen))
        };
        format!("{here} {}{seen}", date::date_words(self.began))
    }
}

impl Token {
    fn about(&self) -> &str {
        self.site.as_deref().unwrap_or("every site")
    }

    fn used_words(&self) -> String {
        self.used.map_or_else(|| "never".to_owned(), date::date_words)
    }
}

impl Person {
    fn role_words(&self) -> String {
        match self.is_owner {
            true => "owner".to_owned(),
            false => format!("viewer of {}", self.sites.join(", ")),
        }
    }
}

impl AccountPage<'_> {
    /// The page as HTML.
    ///
    /// # Errors
    /// When the template can't be written out.
    pub fn render(&self) -> Result<String, Error> {
        Ok(Template::render(self)?)
    }

    fn is_owner(&self) -> bool {
        !self.people.is_empty()
    }

    fn sign_out(&self) -> String {
        self.frame.action(link::SIGN_OUT)
    }

    fn password(&self) -> String {
        self.frame.action(link::PASSWORD)
    }

    fn tokens_action(&self) -> String {
        self.frame.action(link::TOKENS)
    }

    fn people_action(&self) -> String {
        self.frame.action(link::PEOPLE)
    }
}

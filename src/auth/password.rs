//! Which passwords are good enough: long ones that nobody tries first.

use super::secret::PASSWORD_BYTES_MAX;

/// The shortest password, in characters.
pub const CHARACTERS_MIN: usize = 12;

/// The fewest different characters.
const DIFFERENT_MIN: usize = 5;

/// Words that the commonest passwords are made of: whoever guesses tries them first, twice over and with
/// digits and marks around them.
const COMMON: [&str; 62] = [
    "password",
    "passwort",
    "passw0rd",
    "p@ssw0rd",
    "p@ssword",
    "qwerty",
    "qwertyuiop",
    "qwertz",
    "azerty",
    "asdfghjkl",
    "zxcvbnm",
    "1q2w3e4r5t6y",
    "1q2w3e4r5t",
    "1q2w3e4r",
    "1qaz2wsx3edc",
    "1qaz2wsx",
    "q1w2e3r4t5y6",
    "qazwsxedc",
    "qazwsx",
    "abcdefghijkl",
    "abcdefgh",
    "abcdef",
    "abc",
    "letmein",
    "iloveyou",
    "welcome",
    "administrator",
    "admin",
    "root",
    "user",
    "owner",
    "changeme",
    "default",
    "secret",
    "login",
    "master",
    "monkey",
    "dragon",
    "sunshine",
    "princess",
    "football",
    "baseball",
    "superman",
    "batman",
    "trustno",
    "starwars",
    "pokemon",
    "michael",
    "jennifer",
    "charlie",
    "shadow",
    "whatever",
    "internet",
    "computer",
    "samsung",
    "google",
    "facebook",
    "analytics",
    "trimbeacons",
    "beacons",
    "dashboard",
    "correcthorsebatterystaple",
];

/// Whether `password` will do for somebody called `name`.
///
/// # Errors
/// When it is too short, too long or among the first that are tried, in a sentence.
pub fn check(name: &str, password: &str) -> Result<(), String> {
    if password.chars().count() < CHARACTERS_MIN {
        return Err(format!("a password has at least {CHARACTERS_MIN} characters"));
    }
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(format!("a password has at most {PASSWORD_BYTES_MAX} bytes"));
    }
    if is_common(name, password) {
        return Err(
            "this password is among the first that are tried: three or four words that have nothing to \
             do with each other are better"
                .to_owned(),
        );
    }
    Ok(())
}

fn is_common(name: &str, password: &str) -> bool {
    let password = password.to_lowercase();
    let mut characters: Vec<char> = password.chars().collect();
    characters.sort_unstable();
    characters.dedup();
    if characters.len() < DIFFERENT_MIN || is_row(&password) {
        return true;
    }
    // What is left once every common word and the own name are taken out, and all that is no letter.
    let own = name.to_lowercase();
    let own = own.split(['@', '.', '_', '-', '+']).filter(|word| word.chars().count() > 2);
    let mut words: Vec<&str> = COMMON.into_iter().chain(own).collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let rest = words.iter().fold(password, |rest, word| rest.replace(word, ""));
    rest.chars().filter(|c| c.is_alphabetic()).count() < 3
        && rest.chars().filter(|c| !c.is_alphabetic()).count() < CHARACTERS_MIN
}

/// Whether each character follows the one before, or the other way round: `123456789012`, `fedcba`.
fn is_row(password: &str) -> bool {
    let codes: Vec<u32> = password.chars().map(u32::from).collect();
    let steps = codes.windows(2).filter(|pair| match pair {
        [one, other] => one.abs_diff(*other) <= 1 || one.abs_diff(*other) == 9,
        _ => false,
    });
    steps.count() + 2 >= codes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_passwords_that_are_tried_are_refused() {
        for password in [
            "short",
            "123456789012",
            "1234567890123456",
            "aaaaaaaaaaaaaaaa",
            "abababababab",
            "passwordpassword",
            "Password1234!",
            "P@ssw0rd2024!!",
            "qwertyuiop123",
            "1q2w3e4r5t6y",
            "administrator1",
            "letmein-letmein",
            "jo.baker2026!",
            "abcdefghijklmn",
            "correcthorsebatterystaple",
        ] {
            assert!(check("jo.baker@example.com", password).is_err(), "{password}");
        }
        for password in [
            "harbour violet anvil",
            "Tr0ub4dor&3 and more",
            "пароль длинный сад",
            "9f3kd82hs7qp1x",
            "847362519408275613",
        ] {
            assert_eq!(check("jo", password), Ok(()), "{password}");
        }
        assert!(check("jo", &"long enough ".repeat(30)).is_err());
    }
}

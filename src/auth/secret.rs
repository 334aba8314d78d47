//! Secrets: random tokens, and what is kept of them and of passwords.
//!
//! A token has 256 random bits and is told once; its BLAKE3 hash is kept. A password is kept as Argon2id
//! hashes it.

use argon2::{
    Argon2, PasswordHash, PasswordHasher as _, PasswordVerifier as _, password_hash::SaltString,
};

/// The longest password, in bytes.
pub const PASSWORD_BYTES_MAX: usize = 256;

/// What the password of nobody is compared with, so that it takes as long as somebody's.
pub const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$\
     AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// What is kept of a token.
pub fn hash(token: &str) -> [u8; 32] {
    *blake3::hash(token.as_bytes()).as_bytes()
}

/// 256 random bits, as 64 hex digits.
///
/// # Errors
/// When the system gives none, in a sentence.
pub fn token() -> Result<String, String> {
    let bytes: [u8; 32] = random()?;
    Ok(blake3::Hash::from(bytes).to_hex().to_string())
}

/// What a form of the session with this token must bring: it can't be told from what is kept of the token.
pub fn form_token(session: &str) -> String {
    let token = blake3::derive_key("trim-beacons 2026 token in forms", session.as_bytes());
    blake3::Hash::from(token).to_hex().to_string()
}

/// Whether two secrets are the same. How long it takes tells nothing of them.
pub fn is_same(one: &str, other: &str) -> bool {
    blake3::hash(one.as_bytes()) == blake3::hash(other.as_bytes())
}

fn random<const N: usize>() -> Result<[u8; N], String> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| format!("the system gives no random numbers: {error}"))?;
    Ok(bytes)
}

/// What is kept of a password, in PHC's form: Argon2id with 19 MiB, two passes and one lane. It takes a
/// while, as it is meant to.
///
/// # Errors
/// When it is too long or the system gives no random numbers, in a sentence.
pub fn hashed(password: &str) -> Result<String, String> {
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(format!("a password has at most {PASSWORD_BYTES_MAX} bytes"));
    }
    let unhashed = |error| format!("the password can't be hashed: {error}");
    let salt = SaltString::encode_b64(&random::<16>()?).map_err(unhashed)?;
    let hash = Argon2::default().hash_password(password.as_bytes(), &salt).map_err(unhashed)?;
    Ok(hash.to_string())
}

/// Whether `password` is the one that `kept` was made of. It takes a while, as it is meant to.
pub fn is_password(kept: &str, password: &str) -> bool {
    let is_short = password.len() <= PASSWORD_BYTES_MAX;
    let verified = |kept| Argon2::default().verify_password(password.as_bytes(), &kept).is_ok();
    is_short && PasswordHash::new(kept).is_ok_and(verified)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_again_and_never_told() {
        let (one, other) = (hashed("correct horse").unwrap(), hashed("correct horse").unwrap());
        assert!(is_password(&one, "correct horse") && !is_password(&one, "correct horses"));
        assert_ne!(one, other);
        assert!(hashed(&"x".repeat(257)).is_err());
    }

    #[test]
    fn nobodys_password_costs_as_much_as_somebodys() {
        let parameters = |kept: &str| {
            let kept = PasswordHash::new(kept).unwrap();
            (
                kept.algorithm.to_string(),
                kept.version,
                kept.params.clone(),
                kept.hash.unwrap().len(),
            )
        };
        assert_eq!(parameters(NOBODY), parameters(&hashed("correct horse").unwrap()));
        assert!(NOBODY.contains("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(!is_password(NOBODY, ""));
    }

    #[test]
    fn tokens_are_random_and_forms_have_one_of_their_own() {
        let (one, other) = (token().unwrap(), token().unwrap());
        assert!(one.len() == 64 && one != other);
        let form = form_token(&one);
        assert!(form != form_token(&other) && form == form_token(&one));
        assert_ne!(form, blake3::Hash::from(hash(&one)).to_hex().to_string());
        assert!(is_same(&one, &one) && !is_same(&one, &other));
    }
}

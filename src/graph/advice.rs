//! What Entra's error numbers mean to whoever set up the app registration.
//!
//! Advice for people and a hint whether waiting helps; the numbers decide nothing else.

/// What a refusal of the token endpoint asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Advice {
    /// What a person can do.
    pub(super) hint: Option<&'static str>,
    /// Whether it passes by itself.
    pub(super) passes: bool,
}

/// The secret is wrong.
pub(super) const WRONG_SECRET: u64 = 7_000_215;
/// The assertion is outside its validity.
pub(super) const CLOCK: u64 = 700_024;
/// The same was asked for too often.
pub(super) const LOOP: u64 = 50_196;

/// What is wrong with a secret that looks as ids do.
pub(super) const SECRET_ID: &str = "what is configured is the secret's id, not its value: the value is shown only once, when the \
     secret is made; make a new one and configure its value";

/// Source: Entra AADSTS error codes.
const TABLE: &[(&[u64], &str)] = &[
    (
        &[WRONG_SECRET],
        "this may be the secret's id, not its value: the value is shown only once, when the secret \
         is made; make a new one and configure its value",
    ),
    (&[7_000_222], "the secret has expired: make a new one in the app registration"),
    (&[7_000_218], "no secret reached Entra: check that the configured secret is not empty"),
    (
        &[700_027, 900_384],
        "Entra does not know this certificate: upload it, without its key, at the app registration \
         (Certificates & secrets, Certificates), and check that it has not ended",
    ),
    (
        &[700_030],
        "the subject or issuer of the certificate is not accepted: upload the certificate itself at \
         the app registration",
    ),
    (
        &[70_021, 700_213, 700_211, 700_212],
        "no federated credential of the app fits this token: issuer, subject and audience must be \
         the same to the letter; a new credential takes some minutes",
    ),
    (
        &[700_023],
        "the assertion is for another token endpoint: check `cloud` and `endpoints`, and that no proxy \
         rewrites the address",
    ),
    (
        &[700_229],
        "Entra takes no such token in place of a credential: the audience must be \
         `api://AzureADTokenExchange` (`…USGov` and `…China` in those clouds), and its issuer not \
         this tenant's own",
    ),
    (
        &[CLOCK],
        "what was signed is outside its validity: set the clock of this machine, as with NTP; a \
         federated token may have ended, and wants renewing by whoever issues it",
    ),
    (
        &[700_016, 700_011],
        "the app is not in this tenant: check `client_id` and `tenant_id`, and that an \
         administrator of this tenant has consented",
    ),
    (&[70_001], "the app was not found or is disabled: check `client_id` and the enterprise app"),
    (
        &[90_002],
        "there is no such tenant in this cloud: check `tenant_id`, and `cloud` for a national cloud",
    ),
    (
        &[90_038, 900_432, 900_382],
        "the tenant or the app is in another cloud: set `cloud`, and register the app there",
    ),
    (
        &[70_011, 700_022, 650_057],
        "the requested scope is not accepted: check that the Graph endpoint belongs to this cloud",
    ),
    (&[65_001], "an administrator has to consent to the app's permissions"),
    (&[900_144], "the request lacks a parameter: check that `client_id` is not empty"),
    (
        &[53_003, 53_011, 530_032, 530_035],
        "a Conditional Access policy blocks the app: exempt this workload identity or its address",
    ),
    (
        &[LOOP],
        "Entra saw the same request too often: nothing is asked for during some minutes; give each \
         daemon an app registration of its own",
    ),
];

/// Source: Entra AADSTS error codes: faults, time-outs and throttling of the token service.
const PASSING: &[u64] = &[90_006, 90_012, 90_024, 90_033, 90_055, 90_090];

/// Returns what is known about these error numbers.
pub(super) fn advice(codes: &[u64]) -> Advice {
    let hint = TABLE
        .iter()
        .find(|(known, _)| codes.iter().any(|code| known.contains(code)))
        .map(|(_, hint)| *hint);
    Advice { hint, passes: codes.iter().any(|code| PASSING.contains(code)) }
}

/// Returns at most so many characters of a text, on one line and without control characters.
pub(super) fn cut(text: &str, characters: usize) -> String {
    let mut line: Vec<char> = text
        .trim()
        .chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .take(characters + 1)
        .collect();
    if line.len() > characters {
        line.truncate(characters.saturating_sub(1));
        line.push('…');
    }
    line.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_secret_is_told_from_an_expired_one() {
        assert!(advice(&[7_000_215]).hint.unwrap().contains("id, not its value"));
        assert!(advice(&[7_000_222]).hint.unwrap().contains("expired"));
        assert!(advice(&[90_033]).passes);
        assert_eq!(advice(&[1]), Advice::default());
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöüß", 3), "äö…");
        assert_eq!(cut("a\r\nb", 9), "a  b");
    }
}

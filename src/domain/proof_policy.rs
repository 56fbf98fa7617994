//! PURE: what a route asks of a proof: by which methods it was given, and how long ago.
use std::time::Duration;

use authsignal_client::VerificationMethod;
use serde::{Deserialize, Serialize};

use crate::domain::fields::Fields;

/// The longest name of a verification method that is written down: the user's record grows by it.
const MAX_METHOD_NAME: usize = 64;

/// A shorter age would have run out before its user is back.
const MIN_MAX_AGE: Duration = Duration::from_secs(30);

/// Whether a verification method can be called that.
pub(crate) fn is_method_name(text: &str) -> bool {
    (1..=MAX_METHOD_NAME).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// What a proof has to be to count. The default takes any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct ProofPolicy {
    /// The methods that count: none where every one does.
    pub(crate) methods: Option<Vec<VerificationMethod>>,
    /// From this age on it does not count.
    pub(crate) max_age: Option<Duration>,
}

/// What a proof lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Shortfall {
    /// It was given by another method, or by one that was not named.
    Method,
    /// It was given too long ago.
    Age,
}

impl ProofPolicy {
    /// Whether somebody can meet it.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong, and what to do.
    pub(crate) fn check(&self) -> Result<(), String> {
        let Self { methods, max_age } = self;
        if methods.as_ref().is_some_and(Vec::is_empty) {
            return Err("`methods` names none, so nobody could ever pass: name those that count".to_owned());
        }
        if let Some(method) = self.methods().iter().find(|method| !is_method_name(method.as_str())) {
            let method = method.as_str();
            return Err(format!(
                "`methods` names {method:?}, which no verification method is called: `PASSKEY` would be one"
            ));
        }
        if let Some(age) = max_age.filter(|age| *age < MIN_MAX_AGE) {
            return Err(format!(
                "`max_age` is {age:?}, and nobody is back from a challenge so soon: at least {MIN_MAX_AGE:?}"
            ));
        }
        Ok(())
    }

    /// What a proof by this method, given so long ago, lacks.
    pub(crate) fn shortfall(&self, method: Option<&VerificationMethod>, age: Duration) -> Option<Shortfall> {
        if self.methods.is_some() && !method.is_some_and(|method| self.counts(method)) {
            return Some(Shortfall::Method);
        }
        self.max_age.filter(|max_age| age >= *max_age).map(|_| Shortfall::Age)
    }

    /// Whether a proof by this method may count.
    fn counts(&self, method: &VerificationMethod) -> bool {
        self.methods.as_ref().is_none_or(|methods| methods.contains(method))
    }

    /// Whether none of these counts, where some are named and some are listed.
    pub(crate) fn counts_none_of(&self, listed: &[VerificationMethod]) -> bool {
        !listed.is_empty() && !listed.iter().any(|method| self.counts(method))
    }

    /// The methods that count, where they are named.
    pub(crate) fn methods(&self) -> &[VerificationMethod] {
        self.methods.as_deref().unwrap_or_default()
    }

    /// Whether it takes any proof.
    pub(crate) fn takes_any(&self) -> bool {
        let Self { methods, max_age } = self;
        methods.is_none() && max_age.is_none()
    }

    /// Whether everything that `outer` takes is taken here.
    pub(crate) fn is_met_by(&self, outer: &Self) -> bool {
        let Self { methods, max_age } = self;
        let by_method = match (methods, &outer.methods) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(_), Some(outer)) => outer.iter().all(|method| self.counts(method)),
        };
        let by_age = match (max_age, outer.max_age) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(most), Some(outer)) => outer <= *most,
        };
        by_method && by_age
    }

    /// Adds it to what an approval is bound to.
    pub(crate) fn add_to(&self, fields: &mut Fields) {
        let Self { methods, max_age } = self;
        fields.add(methods.as_ref().map_or(u64::MAX, |methods| methods.len() as u64).to_be_bytes());
        self.methods().iter().for_each(|method| fields.add(method.as_str()));
        fields.add(max_age.map_or(u128::MAX, |age| age.as_nanos()).to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_method() -> Vec<VerificationMethod> {
        use VerificationMethod::*;
        let known = [Sms, EmailOtp, EmailMagicLink, AuthenticatorApp, Passkey, SecurityKey, Push, Whatsapp, QrCode];
        known.into_iter().chain(["", "passkey", "PASSKEY ", "PASSKEYS", "NEW"].map(VerificationMethod::from)).collect()
    }

    /// T34: every method, and none, against every set of up to two and every age: what is not named there never counts.
    #[test]
    fn t34_methods_by_requirements_by_ages() {
        let methods = every_method();
        let mut sets: Vec<Option<Vec<VerificationMethod>>> = vec![None, Some(Vec::new())];
        for (at, one) in methods.iter().enumerate() {
            sets.push(Some(vec![one.clone()]));
            sets.extend(methods[at + 1..].iter().map(|other| Some(vec![one.clone(), other.clone()])));
        }
        let ages = [0_u64, 1, 59, 60, 61, u64::MAX];
        let (mut cells, mut counted) = (0, 0);
        for set in &sets {
            for given in methods.iter().map(Some).chain([None]) {
                for max_age in [None, Some(60_u64)] {
                    for age in ages {
                        // Written down once more, with strings.
                        let named: Option<Vec<&str>> =
                            set.as_ref().map(|set| set.iter().map(VerificationMethod::as_str).collect());
                        let right = match (&named, given) {
                            (None, _) => true,
                            (Some(_), None) => false,
                            (Some(named), Some(given)) => named.contains(&given.as_str()),
                        };
                        let young = max_age.is_none_or(|most| age < most);
                        let want = match (right, young) {
                            (false, _) => Some(Shortfall::Method),
                            (true, false) => Some(Shortfall::Age),
                            (true, true) => None,
                        };
                        let policy = ProofPolicy { methods: set.clone(), max_age: max_age.map(Duration::from_secs) };
                        let got = policy.shortfall(given, Duration::from_secs(age));
                        assert_eq!(got, want, "{set:?} {given:?} {max_age:?} {age}");
                        cells += 1;
                        counted += usize::from(got.is_none());
                    }
                }
            }
        }
        println!("{cells} cells of methods by requirements by ages, {counted} count");
        assert_eq!(cells, sets.len() * 15 * 2 * 6);
    }

    /// T61, T34: an outer layer's proof is enough only where it cannot have been one that does not count here. And no two
    /// policies are bound alike.
    #[test]
    fn t34_t61_what_an_outer_layer_takes_is_taken_here() {
        use VerificationMethod::{EmailOtp, Passkey, SecurityKey};
        let sets = [None, Some(vec![]), Some(vec![Passkey]), Some(vec![EmailOtp]), Some(vec![Passkey, SecurityKey])];
        let ages = [None, Some(30), Some(300)];
        let all: Vec<_> = sets
            .iter()
            .flat_map(|methods| {
                ages.map(|age| ProofPolicy { methods: methods.clone(), max_age: age.map(Duration::from_secs) })
            })
            .collect();
        let bound = |policy: &ProofPolicy| {
            let mut fields = Fields::new("test");
            policy.add_to(&mut fields);
            fields.finish()
        };
        let given = [Some(Passkey), Some(EmailOtp), Some(SecurityKey), None];
        let mut pairs = 0;
        for inner in &all {
            for outer in &all {
                // By trying every proof: what the outer takes and the inner does not.
                let is_laxer = given.iter().any(|method| {
                    [0, 29, 30, 299, 300, 1 << 40].map(Duration::from_secs).into_iter().any(|age| {
                        outer.shortfall(method.as_ref(), age).is_none()
                            && inner.shortfall(method.as_ref(), age).is_some()
                    })
                });
                if is_laxer {
                    assert!(!inner.is_met_by(outer), "{inner:?} {outer:?}");
                }
                assert_eq!(bound(inner) == bound(outer), inner == outer);
                pairs += 1;
            }
            assert!(inner.is_met_by(inner));
        }
        println!("{pairs} pairs of layers' policies for proofs");
        assert_eq!(pairs, 15 * 15);
    }
}

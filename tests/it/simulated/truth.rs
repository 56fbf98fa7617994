//! What is true, whatever records and nodes say, and what must hold of it.
use std::collections::BTreeMap;
use std::time::Duration;

/// How far clocks may differ that this is checked with.
const SKEW: Duration = Duration::from_secs(30);
const APPROVED: Duration = Duration::from_secs(5 * 60);
pub(super) const REMEMBERED: Duration = Duration::from_secs(10 * 60);

/// One step-up. Times are since the beginning of the seed.
#[derive(Debug, Default)]
struct Attempt {
    /// Whose request it was, and for what.
    asked: Asked,
    /// When somebody had been told of it.
    seen: Duration,
    proved: Option<Duration>,
    /// When the last way back with a proof of it had been answered, or was given up.
    returned: Option<Duration>,
    handled: u32,
    /// Its user has seen it approved and has asked again, in a life where nothing goes wrong.
    must_be_handled: bool,
}

/// What a request is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) user: &'static str,
    pub(super) browser: &'static str,
    pub(super) target: &'static str,
    pub(super) body: &'static str,
}

impl Asked {
    /// Whether an approval of the other is good for this.
    fn is_covered_by(&self, other: &Self) -> bool {
        let is_same = (self.user, self.browser, self.target) == (other.user, other.browser, other.target);
        is_same && (self.is_remembered() || self.body == other.body)
    }

    pub(super) fn is_remembered(&self) -> bool {
        self.target == "/kept"
    }
}

/// A revocation: when it was asked for, and when it had returned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Revoked {
    pub(super) asked: Duration,
    pub(super) returned: Duration,
}

#[derive(Debug, Default)]
pub(super) struct Truth {
    attempts: BTreeMap<String, Attempt>,
    pub(super) revoked: Vec<Revoked>,
}

impl Truth {
    /// Somebody is sent to the challenge of an attempt.
    pub(super) fn challenged(&mut self, attempt: &str, asked: &Asked, now: Duration) -> Result<(), String> {
        let of = self.attempts.entry(attempt.to_owned()).or_insert_with(|| Attempt {
            asked: asked.clone(),
            seen: now,
            ..Attempt::default()
        });
        if asked.is_covered_by(&of.asked) {
            Ok(())
        } else {
            Err(format!("{asked:?} was shown the challenge of {:?}", of.asked))
        }
    }

    pub(super) fn proved(&mut self, attempt: &str, now: Duration) {
        self.attempts.get_mut(attempt).expect("it was seen").proved.get_or_insert(now);
    }

    pub(super) fn returned(&mut self, attempt: &str, now: Duration) {
        self.attempts.get_mut(attempt).expect("it was seen").returned = Some(now);
    }

    pub(super) fn must_be_handled(&mut self, attempt: &str) {
        self.attempts.get_mut(attempt).expect("it was seen").must_be_handled = true;
    }

    /// An approval that nobody ever passed by.
    pub(super) fn lost(&self) -> Result<(), String> {
        match self.attempts.iter().find(|(_, of)| of.must_be_handled && of.handled == 0) {
            Some((attempt, _)) => Err(format!("{attempt} was approved and is lost")),
            None => Ok(()),
        }
    }

    pub(super) fn handled(&self, attempt: &str) -> u32 {
        self.attempts.get(attempt).map_or(0, |attempt| attempt.handled)
    }

    /// A handler runs for a request that began then. What is wrong with it, if anything.
    pub(super) fn handle(
        &mut self,
        attempt: &str,
        asked: &Asked,
        began: Duration,
        now: Duration,
        is_skewed: bool,
    ) -> Result<(), String> {
        let Some(of) = self.attempts.get_mut(attempt) else {
            return Err(format!("a handler ran by {attempt}, of which nobody has heard"));
        };
        of.handled += 1;
        if !asked.is_covered_by(&of.asked) {
            return Err(format!("a handler ran for {asked:?} by the approval of {:?}", of.asked));
        }
        if of.handled > 1 && !asked.is_remembered() {
            return Err(format!("a handler ran twice by {attempt}"));
        }
        if of.proved.is_none() {
            return Err(format!("a handler ran by {attempt}, which was not proved"));
        }
        let life = if asked.is_remembered() { REMEMBERED } else { APPROVED };
        // The layer may still be at a way back that its client gave up, for some of its deadlines.
        let latest = of.returned.unwrap_or(now) + Duration::from_secs(10) + life + SKEW;
        if now > latest && !is_skewed {
            return Err(format!("a handler ran by {attempt}, which had run out"));
        }
        let is_over = |revoked: &&Revoked| of.seen < revoked.asked && revoked.returned < began;
        if let Some(revoked) = self.revoked.iter().find(is_over) {
            return Err(format!("a handler ran by {attempt}, which was revoked: {revoked:?}"));
        }
        Ok(())
    }
}

//! What one user and session may take in a while, counted in this process's memory.
//!
//! Counted are challenges begun and not proved, and requests that Authsignal refused, for each action. Over a budget it is
//! not asked any more. The pair of user and session counts, and never the user alone, or whoever has stolen one session
//! could lock the owner out of another (threat T106); and what pages of other sites make a browser ask for counts by
//! itself, or they could do the same. Several nodes count each for itself.
pub(crate) mod failover;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use authsignal_client::{ActionCode, IdempotencyKey};

use crate::domain::flow::Moment;
use crate::meter;

/// The most accounts that are kept; then the one that would be over first makes room.
const MAX_ACCOUNTS: usize = 50_000;

/// Which budget of one user and session is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Budget {
    /// Challenges that were begun and not proved:
    /// [`challenge_budget`](crate::AuthsignalBuilder::challenge_budget).
    Challenges,
    /// Requests that Authsignal refused: [`refusal_budget`](crate::AuthsignalBuilder::refusal_budget).
    Refusals,
    /// Ways back from one challenge about which Authsignal was asked:
    /// [`validate_budget`](crate::AuthsignalBuilder::validate_budget).
    Validates,
    /// Challenges that wait for their proof, or their bytes:
    /// [`pending_flow_budget`](crate::AuthsignalBuilder::pending_flow_budget).
    PendingFlows,
}

impl Budget {
    /// A short name, as the label of a metric.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Challenges => "challenges",
            Self::Refusals => "refusals",
            Self::Validates => "validates",
            Self::PendingFlows => "pending_flows",
        }
    }

    /// The setter that says how much it is, for the log.
    fn setter(self) -> &'static str {
        match self {
            Self::Challenges => "AuthsignalBuilder::challenge_budget",
            Self::Refusals => "AuthsignalBuilder::refusal_budget",
            Self::Validates => "AuthsignalBuilder::validate_budget",
            Self::PendingFlows => "AuthsignalBuilder::pending_flow_budget",
        }
    }

    /// Says in the log that somebody is over it.
    pub(crate) fn warn(self, action: &ActionCode) {
        meter::over_budget(self.as_str());
        let setter = self.setter();
        tracing::warn!(%action, setter, "one user and session are over a budget, and are told to wait");
    }
}

/// A budget that is used up, and how long until there is room again.
pub(crate) type Over = (Budget, Duration);

/// So many in so long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    most: usize,
    per: Duration,
}

impl Allowance {
    /// Between 1 and 10,000 in between a second and a day.
    pub(crate) fn new(most: usize, per: Duration) -> Self {
        let per = per.clamp(Duration::from_secs(1), Duration::from_secs(24 * 60 * 60));
        Self { most: most.clamp(1, 10_000), per }
    }

    /// How long until one more has room, if it has none: `times` are the oldest first.
    fn wait(&self, times: impl ExactSizeIterator<Item = Moment>, now: Moment) -> Option<Duration> {
        let over = times.len().checked_sub(self.most)?;
        times.into_iter().nth(over).map(|first| first.plus(self.per).after(now))
    }

    fn counts(&self, at: Moment, now: Moment) -> bool {
        // What is ahead of a clock that was set back would count for who knows how long.
        at <= now && at.plus(self.per) > now
    }
}

/// What an account is found by: nobody's name, and of use in this process alone. Two keyed hashes of 64 bits, which nobody who
/// doesn't know the keys can make collide; every request that Authsignal is asked about needs one, so it is no digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct AccountId([u64; 2]);

/// Whose requests for what they are.
#[derive(Clone, Copy, Debug, Hash)]
pub(crate) struct Asker<'a> {
    pub(crate) user: &'a str,
    pub(crate) session: Option<&'a str>,
    pub(crate) action: &'a ActionCode,
}

/// What everybody has taken.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) challenges: Allowance,
    pub(crate) refusals: Allowance,
    hashers: [RandomState; 2],
    accounts: Mutex<Accounts>,
}

#[derive(Debug, Default)]
struct Accounts {
    by_id: HashMap<AccountId, Account>,
    /// Soonest over first.
    by_end: BTreeSet<(Moment, AccountId)>,
}

#[derive(Debug)]
struct Account {
    challenges: VecDeque<(Moment, IdempotencyKey)>,
    refusals: VecDeque<Moment>,
    end: Moment,
}

impl Ledger {
    pub(crate) fn new(challenges: Allowance, refusals: Allowance) -> Self {
        Self { challenges, refusals, hashers: Default::default(), accounts: Mutex::default() }
    }

    /// The account of whoever asks, for requests that come from pages of their own or, `from_elsewhere`, of other sites.
    pub(crate) fn account(&self, asker: Asker<'_>, from_elsewhere: bool) -> AccountId {
        AccountId(self.hashers.each_ref().map(|hasher| hasher.hash_one((asker, from_elsewhere))))
    }

    /// Which budget is used up, before Authsignal is asked.
    pub(crate) fn over(&self, id: AccountId, now: Moment) -> Option<Over> {
        let mut accounts = self.accounts();
        accounts.sweep(now);
        let account = accounts.by_id.get_mut(&id)?;
        account.prune(self, now);
        let refused = self.refusals.wait(account.refusals.iter().copied(), now).map(|wait| (Budget::Refusals, wait));
        refused.or_else(|| account.over_challenges(self, now))
    }

    /// Whether Authsignal refused something of this account's a while ago, or waits for a proof.
    pub(crate) fn is_unsettled(&self, id: AccountId, now: Moment) -> bool {
        let mut accounts = self.accounts();
        accounts.sweep(now);
        accounts.by_id.get_mut(&id).is_some_and(|account| {
            account.prune(self, now);
            !(account.refusals.is_empty() && account.challenges.is_empty())
        })
    }

    /// Counts a challenge, unless there is no room for it.
    pub(crate) fn began(&self, id: AccountId, attempt: &IdempotencyKey, now: Moment) -> Option<Over> {
        self.change(id, now, |account| {
            let over = account.over_challenges(self, now);
            if over.is_none() {
                account.challenges.push_back((now, attempt.clone()));
            }
            over
        })
    }

    /// Counts a request that Authsignal refused.
    pub(crate) fn refused(&self, id: AccountId, now: Moment) {
        self.change(id, now, |account| {
            account.refusals.push_back(now);
            if account.refusals.len() > self.refusals.most {
                account.refusals.pop_front();
            }
        });
    }

    /// A challenge that was proved, or joined another, gives its room back.
    pub(crate) fn proved(&self, asker: Asker<'_>, attempt: &IdempotencyKey) {
        let mut accounts = self.accounts();
        if accounts.by_id.is_empty() {
            return;
        }
        for from_elsewhere in [false, true] {
            if let Some(account) = accounts.by_id.get_mut(&self.account(asker, from_elsewhere)) {
                account.challenges.retain(|(_, begun)| begun != attempt);
            }
        }
    }

    fn change<T>(&self, id: AccountId, now: Moment, change: impl FnOnce(&mut Account) -> T) -> T {
        let mut accounts = self.accounts();
        accounts.sweep(now);
        let mut account = accounts.take(id).unwrap_or_else(|| {
            accounts.make_room();
            Account { challenges: VecDeque::new(), refusals: VecDeque::new(), end: now }
        });
        account.prune(self, now);
        let changed = change(&mut account);
        account.end = now.plus(self.challenges.per.max(self.refusals.per));
        accounts.by_end.insert((account.end, id));
        accounts.by_id.insert(id, account);
        changed
    }

    /// No code of others runs while the lock is held, so a poisoned lock still guards sound accounts.
    fn accounts(&self) -> MutexGuard<'_, Accounts> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Accounts {
    fn sweep(&mut self, now: Moment) {
        while let Some(&(end, id)) = self.by_end.first().filter(|(end, _)| *end <= now) {
            self.by_end.remove(&(end, id));
            self.by_id.remove(&id);
        }
    }

    fn take(&mut self, id: AccountId) -> Option<Account> {
        let account = self.by_id.remove(&id)?;
        self.by_end.remove(&(account.end, id));
        Some(account)
    }

    fn make_room(&mut self) {
        while self.by_id.len() >= MAX_ACCOUNTS {
            let Some((_, first)) = self.by_end.pop_first() else { return };
            self.by_id.remove(&first);
        }
    }
}

impl Account {
    fn prune(&mut self, ledger: &Ledger, now: Moment) {
        self.challenges.retain(|(at, _)| ledger.challenges.counts(*at, now));
        self.refusals.retain(|at| ledger.refusals.counts(*at, now));
    }

    fn over_challenges(&self, ledger: &Ledger, now: Moment) -> Option<Over> {
        let wait = ledger.challenges.wait(self.challenges.iter().map(|(at, _)| *at), now)?;
        Some((Budget::Challenges, wait))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTES: Duration = Duration::from_secs(600);

    /// The labels of a metric that dashboards are written for, as docs/observability.md has them.
    #[test]
    fn each_budget_has_a_label_of_its_own() {
        let labels =
            [Budget::Challenges, Budget::Refusals, Budget::Validates, Budget::PendingFlows].map(Budget::as_str);
        assert_eq!(labels, ["challenges", "refusals", "validates", "pending_flows"]);
    }

    fn ledger() -> Ledger {
        Ledger::new(Allowance::new(5, MINUTES), Allowance::new(5, MINUTES))
    }

    fn at(seconds: u64) -> Moment {
        Moment(1_800_000_000_000 + seconds * 1000)
    }

    /// T118: so many in so long; what is proved, and what is long ago, gives its room back.
    /// Whoever reads the log finds there which setter mends it.
    #[test]
    fn each_budget_names_a_setter_of_the_builder() {
        let source = include_str!("authsignal/builder/budgets.rs");
        for budget in [Budget::Challenges, Budget::Refusals, Budget::Validates, Budget::PendingFlows] {
            let name = budget.setter().strip_prefix("AuthsignalBuilder::").unwrap();
            assert!(source.contains(&format!("pub fn {name}(")), "{name}");
        }
    }

    #[test]
    fn t118_a_budget_is_for_a_while_and_what_is_proved_gives_its_room_back() {
        let (ledger, action) = (ledger(), ActionCode::new("pay").unwrap());
        let ada = Asker { user: "ada", session: Some("one"), action: &action };
        let id = ledger.account(ada, false);
        let attempts: Vec<_> = (0..7).map(|_| IdempotencyKey::random()).collect();
        for (number, attempt) in attempts[..5].iter().enumerate() {
            assert_eq!(ledger.over(id, at(number as u64)), None);
            assert_eq!(ledger.began(id, attempt, at(number as u64)), None);
        }
        let over = Some((Budget::Challenges, Duration::from_secs(590)));
        assert_eq!((ledger.over(id, at(10)), ledger.began(id, &attempts[5], at(10))), (over, over));
        for other in
            [Asker { session: Some("two"), ..ada }, Asker { session: None, ..ada }, Asker { user: "bob", ..ada }]
        {
            assert_eq!(ledger.over(ledger.account(other, false), at(10)), None, "T106: {other:?}");
        }
        assert_eq!(ledger.over(ledger.account(ada, true), at(10)), None, "other sites' pages count by themselves");
        ledger.proved(ada, &attempts[3]);
        assert_eq!(ledger.began(id, &attempts[5], at(10)), None);
        assert!(ledger.over(id, at(599)).is_some());
        assert_eq!(ledger.over(id, at(600)), None, "the first is over");
        assert_eq!(ledger.over(id, Moment(0)), None, "a clock that was set back locks nobody out");
    }

    /// T118: the memory is bounded, whoever comes.
    #[test]
    fn t118_accounts_are_bounded_and_swept() {
        let (ledger, action) = (ledger(), ActionCode::new("pay").unwrap());
        for number in 0..MAX_ACCOUNTS + 100 {
            let user = number.to_string();
            ledger.refused(ledger.account(Asker { user: &user, session: None, action: &action }, false), at(0));
        }
        let count = |ledger: &Ledger| {
            let accounts = ledger.accounts();
            (accounts.by_id.len(), accounts.by_end.len())
        };
        assert_eq!(count(&ledger), (MAX_ACCOUNTS, MAX_ACCOUNTS));
        ledger.refused(AccountId([0; 2]), at(600));
        assert_eq!(count(&ledger), (1, 1));
    }
}

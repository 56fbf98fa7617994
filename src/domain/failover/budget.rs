//! PURE: how many requests may pass undecided in a while, of all users together and of each.
use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::moment::Moment;

/// The time that the budget is for.
pub(crate) const FAILOVER_TIME: Duration = Duration::from_secs(60);
/// The most tries that are remembered; whoever comes when there are as many is over the budget.
const MAX_TRIES: usize = 10_000;

/// How many in a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FailoverLimit {
    of_all: usize,
    of_user: usize,
}

impl FailoverLimit {
    /// Between none and 10,000 each, and of one user at most as many as of all.
    pub(crate) fn new(of_all: usize, of_user: usize) -> Self {
        let of_all = of_all.min(MAX_TRIES);
        Self { of_all, of_user: of_user.min(of_all) }
    }
}

impl Default for FailoverLimit {
    fn default() -> Self {
        Self::new(60, 3)
    }
}

/// A user and an action, as hashes that are good for this process alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trying {
    pub(crate) user: u64,
    pub(crate) action: u64,
}

/// What was tried within the last minute, and what of it passed.
#[derive(Debug, Default)]
pub(crate) struct FailoverBudget {
    /// The oldest first.
    tries: VecDeque<(Moment, u64)>,
    passes: VecDeque<(Moment, u64)>,
}

impl FailoverBudget {
    /// Counts a try of a user's, and a pass where nothing more is asked for (`passes`); or says how long until there is room.
    ///
    /// A user's tries count whether they pass or not, so that nobody guesses proofs without end; the action's passes count, so
    /// that whoever cannot prove anything uses up nobody else's room.
    pub(crate) fn take(
        &mut self,
        limit: FailoverLimit,
        Trying { user, action }: Trying,
        passes: bool,
        now: Moment,
    ) -> Result<(), Duration> {
        self.forget(now);
        let room = wait(&self.tries, user, limit.of_user, now).max(wait(&self.passes, action, limit.of_all, now));
        let full = self.tries.front().filter(|_| self.tries.len() >= MAX_TRIES);
        let full = full.map_or(Duration::ZERO, |(at, _)| at.plus(FAILOVER_TIME).after(now));
        match room.max(full) {
            Duration::ZERO => {
                self.tries.push_back((now, user));
                if passes {
                    self.passes.push_back((now, action));
                }
                Ok(())
            }
            wait => Err(wait),
        }
    }

    /// Counts the pass of a try that was counted before; or says how long until there is room.
    pub(crate) fn pass(&mut self, limit: FailoverLimit, trying: Trying, now: Moment) -> Result<(), Duration> {
        self.forget(now);
        match wait(&self.passes, trying.action, limit.of_all, now) {
            Duration::ZERO => {
                self.passes.push_back((now, trying.action));
                Ok(())
            }
            wait => Err(wait),
        }
    }

    /// What is ahead of a clock that was set back counts on: an outage is no time to be generous.
    fn forget(&mut self, now: Moment) {
        for counted in [&mut self.tries, &mut self.passes] {
            counted.retain(|(at, _)| at.plus(FAILOVER_TIME) > now);
        }
    }
}

/// How long until one more has room.
fn wait(counted: &VecDeque<(Moment, u64)>, whose: u64, most: usize, now: Moment) -> Duration {
    let mine = || counted.iter().filter(|(_, owner)| *owner == whose);
    let Some(over) = mine().count().checked_sub(most) else { return Duration::ZERO };
    // Where nothing is allowed at all there is nothing to wait for.
    mine().nth(over).map_or(FAILOVER_TIME, |(first, _)| first.plus(FAILOVER_TIME).after(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment(1_800_000_000_000 + seconds * 1000)
    }

    const ADA: Trying = Trying { user: 1, action: 1 };
    const SECOND: Duration = Duration::from_secs(1);

    /// T77: so many of a user and of all in a minute, and no more.
    #[test]
    fn t77_a_failover_has_room_for_so_many_in_a_minute() {
        let limit = FailoverLimit::new(5, 2);
        let mut budget = FailoverBudget::default();
        assert_eq!(
            [0, 1, 2].map(|second| budget.take(limit, ADA, true, at(second))),
            [Ok(()), Ok(()), Err(58 * SECOND)]
        );
        for user in 2..5 {
            assert_eq!(budget.take(limit, Trying { user, action: 1 }, true, at(10)), Ok(()), "{user}");
        }
        assert_eq!(budget.take(limit, Trying { user: 9, action: 1 }, true, at(10)), Err(50 * SECOND), "of all");
        assert_eq!(budget.take(limit, Trying { user: 9, action: 2 }, true, at(10)), Ok(()), "another action's");
        assert_eq!(budget.take(limit, Trying { user: 1, action: 2 }, true, at(10)), Err(50 * SECOND), "of the user");
        assert_eq!(budget.take(limit, ADA, true, at(60)), Ok(()), "a minute later");
        assert!(budget.take(limit, ADA, true, at(0)).is_err(), "a clock that was set back makes no room");
        assert!(budget.tries.len() <= 8);
    }

    #[test]
    fn proofs_that_fail_use_up_nobody_elses_room() {
        let limit = FailoverLimit::new(2, 2);
        let mut budget = FailoverBudget::default();
        for user in 0..100 {
            assert_eq!(budget.take(limit, Trying { user, action: 1 }, false, at(0)), Ok(()));
        }
        assert_eq!(budget.take(limit, ADA, false, at(0)), Ok(()));
        assert!(budget.take(limit, ADA, false, at(0)).is_err(), "guesses are counted");
        assert_eq!([(); 3].map(|()| budget.pass(limit, ADA, at(1)).is_ok()), [true, true, false]);
    }

    #[test]
    fn nothing_is_allowed_where_nothing_is_set() {
        for limit in [FailoverLimit::new(0, 10), FailoverLimit::new(10, 0), FailoverLimit::new(0, 0)] {
            assert_eq!(FailoverBudget::default().take(limit, ADA, true, at(0)), Err(FAILOVER_TIME), "{limit:?}");
        }
    }

    #[test]
    fn memory_is_bounded_whoever_comes() {
        let limit = FailoverLimit::new(usize::MAX, usize::MAX);
        let mut budget = FailoverBudget::default();
        let taken = (0..MAX_TRIES as u64 + 100)
            .filter(|&user| budget.take(limit, Trying { user, action: user }, true, at(0)).is_ok());
        assert_eq!(taken.count(), MAX_TRIES);
        assert_eq!(budget.tries.len(), MAX_TRIES);
        assert!(budget.take(limit, ADA, true, at(60)).is_ok());
        assert_eq!((budget.tries.len(), budget.passes.len()), (1, 1));
    }
}

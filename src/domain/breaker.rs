//! PURE: a circuit breaker. After enough faults of the service's own it is not asked for a while, apart from a probe now and
//! then; whatever a caller can bring about neither opens it nor keeps it open (threat T79).
use std::time::Duration;

use crate::domain::failover::Outage;

/// The time within which faults count together.
const WINDOW: Duration = Duration::from_secs(10);

/// When it opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BreakerLimit {
    /// So many faults within ten seconds open it, where they are half of the calls.
    pub(crate) faults: u32,
    /// The time between two probes while it is open.
    pub(crate) pause: Duration,
}

impl Default for BreakerLimit {
    fn default() -> Self {
        Self { faults: 5, pause: Duration::from_secs(2) }
    }
}

/// A point in time, as the time since some fixed one.
pub(crate) type Since = Duration;

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The service answered, whatever it said.
    Answered,
    /// A fault of one of the kinds that are the service's own.
    Fault(Outage),
    /// Nothing that says how the service is: it was given up, or a caller can bring it about.
    Unknown,
}

impl Ending {
    pub(crate) fn of(outage: Outage) -> Self {
        match outage {
            own if own.is_upstreams_own() => Self::Fault(own),
            Outage::RateLimited | Outage::Rejected | Outage::Malformed => Self::Answered,
            _ => Self::Unknown,
        }
    }
}

/// A call that may be made. What became of one that was begun before the breaker last opened or closed counts no more: those that
/// hung for as long as the service did end after it is back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pass {
    pub(crate) epoch: u32,
    pub(crate) is_probe: bool,
}

/// The service is not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tripped {
    /// The fault that opened it, or that the last probe met.
    pub(crate) by: Outage,
    /// How long until the next probe.
    pub(crate) wait: Duration,
}

/// What a call's ending changed, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Opened { by: Outage, faults: u32 },
    Closed { after: Duration },
}

/// Whether calls go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed {
        since: Since,
        /// Faults of late, and the calls that were answered since the first of them.
        counted: Option<Counted>,
    },
    Open {
        since: Since,
        by: Outage,
        next_probe: Since,
        /// Probes that are on their way.
        probes: u32,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Counted {
    since: Since,
    faults: u32,
    answers: u32,
}

/// The breaker.
#[derive(Clone, Debug)]
pub(crate) struct Breaker {
    limit: BreakerLimit,
    epoch: u32,
    state: State,
}

impl Breaker {
    pub(crate) fn new(limit: BreakerLimit) -> Self {
        Self { limit, epoch: 0, state: State::Closed { since: Duration::ZERO, counted: None } }
    }

    /// What a call needs to know that looks at nothing else: a pass, where calls go through and none has failed of late.
    pub(crate) fn calm(&self) -> Option<u32> {
        matches!(self.state, State::Closed { counted: None, .. }).then_some(self.epoch)
    }

    /// The pass of a call that found it [calm](Self::calm).
    pub(crate) fn calm_pass(epoch: u32) -> Pass {
        Pass { epoch, is_probe: false }
    }

    /// Whether a call may be made.
    pub(crate) fn admit(&mut self, now: Since) -> Result<Pass, Tripped> {
        match &mut self.state {
            State::Closed { counted, .. } => {
                if counted.is_some_and(|counted| now >= counted.since + WINDOW) {
                    *counted = None;
                }
                Ok(Pass { epoch: self.epoch, is_probe: false })
            }
            State::Open { next_probe, probes, .. } if now >= *next_probe => {
                // The next one does not wait for this one's end: a service that hung may keep it, and be back for others.
                *next_probe = now + self.limit.pause;
                *probes += 1;
                Ok(Pass { epoch: self.epoch, is_probe: true })
            }
            State::Open { by, next_probe, .. } => Err(Tripped { by: *by, wait: next_probe.saturating_sub(now) }),
        }
    }

    /// Takes in how a call ended.
    pub(crate) fn ended(&mut self, pass: Pass, ending: Ending, now: Since) -> Option<Change> {
        if pass.epoch != self.epoch {
            return None;
        }
        match (&mut self.state, ending) {
            (State::Closed { counted, .. }, Ending::Fault(by)) => {
                let fresh = Counted { since: now, faults: 0, answers: 0 };
                let counted = counted.get_or_insert(fresh);
                if now >= counted.since + WINDOW {
                    *counted = fresh;
                }
                counted.faults = counted.faults.saturating_add(1);
                let Counted { faults, answers, .. } = *counted;
                if faults < self.limit.faults || faults < answers {
                    return None;
                }
                self.turn(State::Open { since: now, by, next_probe: now + self.limit.pause, probes: 0 });
                Some(Change::Opened { by, faults })
            }
            (State::Closed { counted, .. }, Ending::Answered) => {
                if let Some(counted) = counted {
                    counted.answers = counted.answers.saturating_add(1);
                }
                if counted.is_some_and(|counted| now >= counted.since + WINDOW) {
                    *counted = None;
                }
                None
            }
            (State::Closed { .. }, Ending::Unknown) => None,
            (State::Open { since, .. }, Ending::Answered) => {
                let after = now.saturating_sub(*since);
                self.turn(State::Closed { since: now, counted: None });
                Some(Change::Closed { after })
            }
            (State::Open { by, probes, .. }, Ending::Fault(met)) => {
                *by = met;
                *probes = probes.saturating_sub(1);
                None
            }
            (State::Open { probes, next_probe, .. }, Ending::Unknown) => {
                // It told nothing, so another may go at once.
                *probes = probes.saturating_sub(1);
                *next_probe = now;
                None
            }
        }
    }

    /// Since when it is open and by what, and whether a probe is on its way; or since when it is closed.
    pub(crate) fn position(&self) -> (Since, Option<(Outage, bool)>) {
        match self.state {
            State::Closed { since, .. } => (since, None),
            State::Open { since, by, probes, .. } => (since, Some((by, probes > 0))),
        }
    }

    fn turn(&mut self, state: State) {
        self.epoch = self.epoch.wrapping_add(1);
        self.state = state;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: BreakerLimit = BreakerLimit { faults: 3, pause: Duration::from_secs(2) };

    fn at(seconds: u64) -> Since {
        Duration::from_secs(seconds)
    }

    fn breaker() -> Breaker {
        Breaker::new(LIMIT)
    }

    /// A call that is begun and ends at once.
    fn call(breaker: &mut Breaker, ending: Ending, now: Since) -> Result<Option<Change>, Tripped> {
        let pass = breaker.admit(now)?;
        Ok(breaker.ended(pass, ending, now))
    }

    const FAULT: Ending = Ending::Fault(Outage::Server);

    fn opened(now: Since) -> Breaker {
        let mut breaker = breaker();
        let changes = [(); 3].map(|()| call(&mut breaker, FAULT, now).unwrap());
        assert_eq!(changes, [None, None, Some(Change::Opened { by: Outage::Server, faults: 3 })]);
        breaker
    }

    /// T79: every kind: what a caller can bring about opens nothing, however often.
    #[test]
    fn t79_only_the_services_own_faults_open_it() {
        for outage in crate::domain::failover::tests::ALL {
            let mut breaker = breaker();
            let opened = (0..10_000).any(|_| call(&mut breaker, Ending::of(outage), at(1)).unwrap().is_some());
            let is_own = matches!(outage, Outage::Connect | Outage::Timeout | Outage::Server);
            assert_eq!(opened || breaker.calm().is_none(), is_own, "{outage:?}");
            if !is_own {
                println!("10,000 calls that ended as {}: closed", outage.as_str());
            }
        }
    }

    #[test]
    fn it_opens_by_faults_that_are_half_of_the_calls_within_ten_seconds() {
        let mut breaker = breaker();
        for round in 0..100 {
            assert_eq!(call(&mut breaker, FAULT, at(0)), Ok(None), "{round}");
            for _ in 0..2 {
                assert_eq!(call(&mut breaker, Ending::Answered, at(0)), Ok(None));
            }
        }
        assert_eq!(breaker.calm(), None, "faults are counted");
        call(&mut breaker, Ending::Answered, at(10)).unwrap();
        assert_eq!(breaker.calm(), Some(0), "and forgotten after ten seconds");
        for now in [10, 20, 30, 40, 50] {
            assert_eq!(call(&mut breaker, FAULT, at(now)), Ok(None), "one in ten seconds");
        }
    }

    #[test]
    fn open_it_lets_one_probe_through_at_a_time_and_says_what_opened_it() {
        let mut breaker = opened(at(5));
        assert_eq!(breaker.position(), (at(5), Some((Outage::Server, false))));
        assert_eq!(breaker.admit(at(6)), Err(Tripped { by: Outage::Server, wait: at(1) }));
        let probe = breaker.admit(at(7)).unwrap();
        assert!(probe.is_probe);
        assert_eq!(breaker.position().1, Some((Outage::Server, true)));
        assert_eq!(breaker.admit(at(7)), Err(Tripped { by: Outage::Server, wait: at(2) }), "one");
        assert_eq!(breaker.ended(probe, Ending::Fault(Outage::Timeout), at(8)), None);
        assert_eq!(breaker.admit(at(8)), Err(Tripped { by: Outage::Timeout, wait: at(1) }));
        assert_eq!(breaker.position(), (at(5), Some((Outage::Timeout, false))), "open since the first fault");
        let probe = breaker.admit(at(9)).unwrap();
        assert_eq!(breaker.ended(probe, Ending::Answered, at(9)), Some(Change::Closed { after: at(4) }));
        assert!(breaker.calm().is_some());
    }

    /// A probe that hangs keeps no other back, and one that was given up makes room at once.
    #[test]
    fn t85_a_probe_that_is_lost_keeps_it_open_no_longer() {
        let mut breaker = opened(at(0));
        let hanging = breaker.admit(at(2)).unwrap();
        let second = breaker.admit(at(4)).unwrap();
        assert_eq!(breaker.ended(second, Ending::Unknown, at(4)), None, "dropped");
        let third = breaker.admit(at(4)).unwrap();
        assert!(matches!(breaker.ended(third, Ending::Answered, at(4)), Some(Change::Closed { .. })));
        assert_eq!(breaker.ended(hanging, FAULT, at(7)), None, "it is of another time");
        assert!(breaker.calm().is_some());
    }

    /// What hung with the service ends after it is back, and says nothing of it any more.
    #[test]
    fn what_was_begun_before_it_opened_does_not_open_it_again() {
        let mut breaker = breaker();
        let hanging: Vec<_> = (0..500).map(|_| breaker.admit(at(0)).unwrap()).collect();
        let changes = hanging.iter().filter_map(|pass| breaker.ended(*pass, FAULT, at(5))).count();
        assert_eq!(changes, 1);
        let probe = breaker.admit(at(7)).unwrap();
        breaker.ended(probe, Ending::Answered, at(7));
        assert!(hanging.iter().all(|pass| breaker.ended(*pass, FAULT, at(8)).is_none()));
        assert!(breaker.calm().is_some());
        // And no answer of before closes one that is open.
        let mut breaker = opened(at(0));
        assert_eq!(breaker.ended(Breaker::calm_pass(0), Ending::Answered, at(1)), None);
        assert!(breaker.position().1.is_some());
    }

    /// Every order of six endings, at every second or third second: it never lets more than one probe a pause through, and is
    /// closed by an answer alone.
    #[test]
    fn every_order_of_six_endings() {
        let endings = [Ending::Answered, FAULT, Ending::Fault(Outage::Connect), Ending::Unknown];
        let mut orders = 0;
        for order in 0..4_u32.pow(6) {
            for step in [1, 3] {
                let mut breaker = Breaker::new(BreakerLimit { faults: 2, ..LIMIT });
                for index in 0..6 {
                    let (ending, now) = (endings[(order / 4_u32.pow(index) % 4) as usize], at(u64::from(index) * step));
                    let was_open = breaker.position().1.is_some();
                    match breaker.admit(now) {
                        Ok(pass) => {
                            assert_eq!(pass.is_probe, was_open);
                            let change = breaker.ended(pass, ending, now);
                            let is_open = breaker.position().1.is_some();
                            assert_eq!(change.is_some(), was_open != is_open);
                            assert!(!was_open || is_open || ending == Ending::Answered);
                        }
                        Err(tripped) => {
                            assert!(was_open && tripped.wait <= LIMIT.pause && tripped.wait > Duration::ZERO)
                        }
                    }
                }
                orders += 1;
            }
        }
        println!("{orders} orders of six endings");
    }
}

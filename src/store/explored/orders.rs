//! Which events are tried in every order.
use super::*;

const PROVED: Event = Event::Return { to: OWNER, about: OWNER, state: State::Proved };
const FAILED: Event = Event::Return { to: OWNER, about: OWNER, state: State::Failed };
const UNFINISHED: Event = Event::Return { to: OWNER, about: OWNER, state: State::Unfinished };

/// T1, T4, T5, T37, C2, C3: the owner alone, with double clicks, lost replies, old and unfinished tokens, and time.
#[test]
fn t1_t4_t5_one_user_every_order_of_eight_events() {
    let events = [Event::Ask(OWNER), Event::AskAgain, PROVED, UNFINISHED, FAILED, Event::ReturnOlder, Event::Wait];
    explore("one user", &events, None);
}

/// T2, T3, T8, T27, T28, T30: everybody else, with the owner's approval in reach.
#[test]
fn t2_t3_t27_t28_t30_everybody_else_every_order_of_eight_events() {
    let events = [
        Event::Ask(OWNER),
        PROVED,
        Event::Ask(OTHER_BODY),
        Event::Ask(OTHER_USER),
        Event::Ask(OTHER_BROWSER),
        Event::Ask(OTHER_ACTION),
        Event::Return { to: OWNER, about: OTHER_USER, state: State::Proved },
        Event::Return { to: OTHER_BODY, about: OWNER, state: State::Proved },
    ];
    explore("everybody else", &events, None);
}

/// T24, T25: two nodes that load and write in every interleaving.
#[test]
fn t24_t25_two_nodes_every_order_of_eight_events() {
    let events = [
        Event::Ask(OWNER),
        PROVED,
        Event::Load(0),
        Event::Commit(0),
        Event::Load(1),
        Event::Commit(1),
        Event::AskAgain,
    ];
    explore("two nodes", &events, None);
}

/// T120: two nodes, one of which drops requests between spending and the handler, and gives back.
#[test]
fn t120_dropped_requests_every_order_of_eight_events() {
    let events = [
        Event::Ask(OWNER),
        PROVED,
        FAILED,
        Event::Load(0),
        Event::Commit(0),
        Event::Load(1),
        Event::Drop(1),
        Event::GiveBack(1),
        Event::Wait,
    ];
    let passes = explore("dropped requests", &events, None);
    println!("{passes} passes on an approval that was given back");
    assert!(passes > 0);
}

/// T31: an approval that is remembered ends when it was said to, however often it is used.
#[test]
fn t31_remembered_every_order_of_eight_events() {
    let events = [Event::Ask(OWNER), Event::Ask(OTHER_USER), PROVED, FAILED, Event::ReturnOlder, Event::Wait];
    explore("remembered", &events, Some(Duration::from_secs(10 * 60)));
}

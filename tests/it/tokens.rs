//! Every kind of token in `authsignal-token`, from everybody and everywhere: which pass.
use axum::http::HeaderValue;

use crate::programs::{TOKEN, bearers, challenged, proof};
use crate::support::{Ask, Bench, MINUTE, Visitor, bench_with, json, parameter};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Owner,
    OtherBrowser,
    OtherSession,
    OtherUser,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Fresh,
    Spent,
    OfAnotherAttempt,
    OfAnotherAction,
    OfAnotherUser,
    RunOut,
    Quit,
    Cut,
    Twice,
    Unreadable,
    Empty,
}

const TOKENS: [Token; 11] = [
    Token::Fresh,
    Token::Spent,
    Token::OfAnotherAttempt,
    Token::OfAnotherAction,
    Token::OfAnotherUser,
    Token::RunOut,
    Token::Quit,
    Token::Cut,
    Token::Twice,
    Token::Unreadable,
    Token::Empty,
];

/// One cell: the owner is challenged for `ask`, and somebody sends something with some token from somewhere.
async fn passes(bench: &Bench, target: &str, is_bearer: bool, who: Who, token: Token, site: &str) -> bool {
    bench.clock.advance(MINUTE * 11);
    let mark = |ask: Ask| if is_bearer { ask.header("x-bearer", "one") } else { ask };
    let ask = mark(json(target, r#"{"amount":10}"#));
    let mut owner = bench.visitor("ada").in_session("one");
    let token_of = async |visitor: &mut Visitor, ask: &Ask| proof(bench, &challenged(visitor, ask).await);
    let older = match token {
        Token::OfAnotherAttempt => {
            let token = token_of(&mut owner, &ask).await;
            bench.clock.advance(MINUTE * 11);
            Some(token)
        }
        Token::OfAnotherAction => Some(token_of(&mut owner.clone(), &mark(json("/other", "{}"))).await),
        Token::OfAnotherUser => Some(token_of(&mut bench.visitor("bob").in_session("one"), &ask).await),
        _ => None,
    };
    let challenge = challenged(&mut owner, &ask).await;
    let fresh = match token {
        Token::Quit => parameter(&bench.emulator.quit(&challenge).unwrap(), "token").unwrap(),
        _ => proof(bench, &challenge),
    };
    let mut sent = ask.clone().header("sec-fetch-site", site);
    if site != "same-origin" {
        sent = sent.header("origin", "https://other.example.com");
    }
    let text = match token {
        Token::Cut => fresh[..fresh.len() - 4].to_owned(),
        Token::Unreadable => format!("{fresh} {fresh}"),
        Token::Empty => String::new(),
        _ => older.unwrap_or_else(|| fresh.clone()),
    };
    sent = sent.header(TOKEN, &text);
    if token == Token::Twice {
        sent.headers.append(TOKEN, HeaderValue::from_str(&fresh).unwrap());
    }
    match token {
        Token::Spent => owner.send(&ask.clone().header(TOKEN, &fresh)).await.assert_passed(),
        Token::RunOut => bench.clock.advance(MINUTE * 11),
        _ => {}
    }
    let mut sender = match who {
        Who::Owner => owner.clone(),
        Who::OtherBrowser => owner.elsewhere(),
        Who::OtherSession => owner.in_session("two"),
        Who::OtherUser => owner.signed_in_as("bob"),
    };
    if is_bearer && who == Who::OtherSession {
        sent = sent.header("x-bearer", "two");
    }
    let before = bench.effects.count();
    let reply = sender.send(&sent).await;
    let ran = bench.effects.count() > before;
    assert_eq!(ran, reply.status == 200, "{reply:?}");
    ran
}

/// T1, T2, T4, T28, T42: tokens that are replayed, foreign, stale, cut or doubled, from other browsers, sessions, users and
/// sites: whatever is not the owner's own fresh one on a request of their own pages passes nothing.
#[tokio::test]
async fn t1_t2_t4_t28_t42_no_other_token_passes() {
    let bench = bench_with(bearers).await;
    let (mut cells, mut passed) = (0, 0);
    for is_bearer in [false, true] {
        for target in ["/pay", "/route/7", "/action", "/kept"] {
            for who in [Who::Owner, Who::OtherBrowser, Who::OtherSession, Who::OtherUser] {
                for token in TOKENS {
                    for site in ["same-origin", "same-site", "cross-site"] {
                        // A bearer client has no browser that another could be.
                        let is_owner = who == Who::Owner || (is_bearer && who == Who::OtherBrowser);
                        // What is remembered for a browser passes by its cookie, whichever token comes along.
                        let is_kept = target == "/kept" && !is_bearer && token == Token::Spent;
                        // Without a cookie, the other's own token is the other's own.
                        let is_bobs = is_bearer && who == Who::OtherUser && token == Token::OfAnotherUser;
                        let is_own = (is_owner && (token == Token::Fresh || is_kept)) || is_bobs;
                        let wanted = is_own && site == "same-origin";
                        let ran = passes(&bench, target, is_bearer, who, token, site).await;
                        assert_eq!(ran, wanted, "{target} bearer: {is_bearer} {who:?} {token:?} {site}");
                        cells += 1;
                        passed += usize::from(ran);
                    }
                }
            }
        }
    }
    println!("{cells} cells: {passed} passed, each by its own fresh token or remembered; 0 others");
}

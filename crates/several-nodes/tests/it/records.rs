//! What nodes of different ages make of each other's records.
use std::sync::Arc;

use test_support::servers::Redis;

use crate::race::{proved, race};
use crate::support::{Answer, Nodes, SAME, Secrets};

/// T92: while keys rotate, nodes with the old secret and with the new one take each other's approvals, each once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t92_old_and_new_secrets_stand_side_by_side() {
    const OLD: &str = "the secret of before with 32 bytes";
    const NEW: &str = "the secret of tomorrow: 32 bytes!";
    let redis = Redis::start();
    let secrets = [Secrets(OLD, NEW), Secrets(NEW, OLD), Secrets(OLD, NEW), Secrets(NEW, OLD)];
    let nodes = Arc::new(Nodes::start(&redis.url(), &secrets).await);
    let payments = proved(&nodes, 40).await;
    race(&nodes, &payments, |_| {}).await.assert_each_paid_once("old and new secrets");

    // Once the old secret is dropped, what it sealed is nothing.
    let before = proved(&nodes, 44).await.split_off(40);
    let after = Nodes::start(&redis.url(), &[Secrets("another secret of 32 whole bytes!", "")]).await;
    for payment in &before {
        after.enroll(&payment.user);
        assert_eq!(after.pay(payment, 0).await, Answer::Challenged, "payment {}", payment.id);
    }
}

/// A record of a newer form is absent: its user is asked for a proof, and nothing passes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_record_of_a_newer_version_is_absent() {
    let redis = Redis::start();
    let nodes = Arc::new(Nodes::start(&redis.url(), &[SAME; 3]).await);
    let mut connection = redis::Client::open(redis.url()).unwrap().get_connection().unwrap();
    for form in [0_u8, 9, 42, 255] {
        let payments = proved(&nodes, 3).await;
        let keys: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut connection).unwrap();
        assert!(keys.len() > payments.len());
        for key in &keys {
            // The form stands behind the 8 bytes of the version.
            redis::cmd("SETRANGE").arg(key).arg(8).arg(&[form][..]).exec(&mut connection).unwrap();
        }
        for payment in &payments {
            let answer = nodes.pay(payment, payment.id as usize % 3).await;
            assert_eq!(answer, Answer::Challenged, "form {form}");
        }
        redis.cli(&["FLUSHALL"]);
    }
    assert_eq!(nodes.paid().await.len(), 0);
}

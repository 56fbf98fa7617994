//! What every store has to do, as tests of any store: [`store_contract!`](crate::store_contract).
//!
//! Each case gets a store of its own in which nothing is, and fails with the name of the rule that the store breaks.
#[doc(hidden)]
pub mod expiry;
#[doc(hidden)]
pub mod races;
mod subject;
#[doc(hidden)]
pub mod values;
#[doc(hidden)]
pub mod versions;

pub use subject::Subject;

#[doc(hidden)]
pub use subject::{Case, run};

/// Makes a module of tests out of the contract of stores: `store_contract!(name, subject)`.
///
/// `subject` is an expression that gives a [`Subject`](crate::testing::contract::Subject) with a store in which nothing is
/// yet; it is evaluated for each test anew and may `.await`. The tests run on a runtime of tokio's of their own, with four
/// threads, all drivers on.
///
/// # Examples
///
/// ```
/// use std::time::SystemTime;
/// use axum_authsignal::Clock;
/// use axum_authsignal::store::MemoryStore;
/// use axum_authsignal::testing::contract::Subject;
///
/// // In a test of your crate, with your own store.
/// axum_authsignal::store_contract!(in_memory, {
///     let clock = Clock::manual(SystemTime::UNIX_EPOCH);
///     Subject::new(MemoryStore::new().clock(clock.clone())).clock(clock)
/// });
/// ```
#[macro_export]
macro_rules! store_contract {
    ($name:ident, $subject:expr) => {
        mod $name {
            #[allow(unused_imports, reason = "what the subject needs of what stands around it")]
            use super::*;
            $crate::store_contract_cases!(store_contract_tests, { $subject });
        }
    };
}

/// Hands the list of all cases to a macro of this crate's, with whatever goes with them.
#[doc(hidden)]
#[macro_export]
macro_rules! store_contract_cases {
    ($macro:ident, $with:tt) => {
        $crate::$macro!($with;
            values: nothing_is_there_at_first, what_was_written_is_read, an_empty_value_is_a_value, every_byte_is_kept,
                big_values_are_kept, a_value_grows_and_shrinks, any_bytes_make_a_key, keys_are_apart,
                a_read_changes_nothing, another_task_reads_it_at_once;
            versions: nothing_is_replaced_where_nothing_is, what_is_there_is_not_written_as_new,
                only_the_newest_version_is_replaced, each_write_has_a_version_of_its_own,
                the_same_bytes_again_are_a_new_write, versions_that_were_never_given_out_replace_nothing,
                a_refused_swap_leaves_the_record_as_it_was, a_write_leaves_the_other_records_as_they_were;
            expiry: a_record_is_there_until_its_time, a_record_is_gone_after_its_time, each_record_has_its_own_time,
                a_write_sets_a_longer_time, a_write_sets_a_shorter_time, a_refused_swap_sets_no_new_time,
                a_read_sets_no_new_time, a_version_is_gone_with_its_record, its_key_is_free_after_its_time,
                a_version_is_not_given_out_twice, no_time_is_no_record, the_least_time_is_not_for_ever,
                a_long_time_is_kept, the_longest_time_is_refused_or_kept;
            races: one_of_many_swaps_at_once_writes, one_of_many_first_writes_at_once_writes,
                one_of_many_writes_at_once_inherits, writers_of_other_keys_are_not_disturbed, no_count_is_lost,
                a_reader_sees_whole_values, a_call_that_is_given_up_leaves_the_store_whole,
                a_write_that_was_given_up_undoes_no_later_one;
        );
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! store_contract_tests {
    ({ $subject:expr }; $($room:ident: $($case:ident),+;)+) => {
        $($(
            #[test]
            fn $case() {
                $crate::testing::contract::run(async {
                    $crate::testing::contract::$room::$case($subject).await;
                });
            }
        )+)+
    };
}

/// Every case with its name, for a type of stores.
#[doc(hidden)]
#[macro_export]
macro_rules! store_contract_table {
    ({ $store:ty }; $($room:ident: $($case:ident),+;)+) => {
        [$($((
            stringify!($case),
            (|subject| Box::pin($crate::testing::contract::$room::$case(subject))) as $crate::testing::contract::Case<$store>,
        )),+),+]
    };
}

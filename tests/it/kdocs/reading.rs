//! Reading: links are counted by the day, and nobody says what comes in place of a file.

use super::rig::Account;
use crate::fake::kdocs::Call;
use crate::fake::{How, When};
use crate::tree::random;
use restic_123pan::restic::{File, Kind, Range};
use restic_123pan::store::Cause;

#[test]
fn a_link_serves_many_parts_of_a_pack() {
    for ranges in [true, false] {
        let account = Account::with(|s| s.ranges = ranges);
        let (server, pack) = (account.server(), random(1, 100_000));
        let file = File::Hashed(Kind::Data, server.save(Kind::Data, &pack).unwrap());
        account.reset_counters();
        for start in (0..100_000).step_by(10_000) {
            let part = server.load_part(&file, Some(Range::Between(start, start + 99)));
            let start = usize::try_from(start).unwrap();
            assert_eq!(part.unwrap(), pack[start..start + 100]);
        }
        assert_eq!((account.made(Call::Link), account.made(Call::Get)), (1, 10));
    }
}

#[test]
fn other_bytes_than_were_stored_do_not_come_to_an_end() {
    let account = Account::start();
    let server = account.server();
    let id = server.save(Kind::Data, &random(1, 100_000)).unwrap();
    account.fail_next(Call::Get, 1, When::Before, How::OtherBytes);
    assert_eq!(server.load(Kind::Data, id), Err(Cause::Client));
    assert_eq!(server.store.health().damaged, 1);
    assert_eq!(server.load(Kind::Data, id).unwrap(), random(1, 100_000));
}

//! Deletions: one, many, in the background, and the bin.

use super::*;

/// So many files, and their ids.
fn planted(fake: &Fake, count: usize) -> Vec<String> {
    let one = |n| {
        let name = format!("{n}");
        fake.plant(&name, b"a");
        fake.files(&name)[0].id.clone()
    };
    (0..count).map(one).collect()
}

#[test]
fn at_most_a_hundred_ids_under_their_name() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let ids = planted(&fake, 101);
    assert_eq!(said(&client.delete(&ids)), (400, 40_001));
    assert_eq!(said(&client.delete(&[])), (400, 40_001));
    assert_eq!(
        fake.complaints(),
        ["DeleteMany: 101 ids", "DeleteMany: 0 ids"]
    );
    let other = json!({ "ids": ids[..1] }).to_string();
    let other = client.call("POST", "tasks/files/delete", "", &other);
    assert_eq!(said(&other), (400, 40_001));
    assert_eq!(fake.living().len(), 101);
    let done = client.delete(&ids[..100]);
    assert_eq!(done.json(), json!({"code": 0, "data": {"task_id": ""}}));
    assert_eq!(fake.living(), ["100"]);
}

#[test]
fn the_bin_keeps_everything_until_it_is_taken_out() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let ids = planted(&fake, 3);
    client.delete(&ids[..2]);
    let one = client.call("DELETE", &format!("files/{}", ids[2]), "", "");
    assert_eq!(said(&one), (200, 0));
    let again = client.call("DELETE", &format!("files/{}", ids[2]), "", "");
    assert_eq!(said(&again), (404, 40_400));
    assert_eq!((fake.living().len(), fake.binned()), (0, 3));
    let binned = client.call("GET", "recycles", "", "").json()["data"].clone();
    assert_eq!(binned.as_array().unwrap().len(), 3);
    let body = json!({ "file_tokens": ids[..1] }).to_string();
    client.call("POST", "recycles/recover", "", &body);
    assert_eq!((fake.living(), fake.binned()), (vec!["0".to_owned()], 2));
}

#[test]
fn tasks_end_or_do_not() {
    let life = Duration::from_secs(5);
    for (task, left) in [(Task::Ends, 0), (Task::Half, 1), (Task::Fails, 3)] {
        let fake = Fake::start();
        let client = Client::new(&fake);
        let ids = planted(&fake, 3);
        fake.set(|s| (s.task_from, s.task_time, s.task) = (Some(3), life, task));
        let reply = client.delete(&ids).json();
        assert_eq!(reply["data"]["task_id"], "task-1");
        assert_eq!(names(&client.page("")).len(), 3, "not yet");
        fake.advance(life);
        assert_eq!(fake.living().len(), left, "{task:?}");
    }
    let fake = Fake::start();
    let client = Client::new(&fake);
    let ids = planted(&fake, 2);
    fake.set(|s| s.task_from = Some(3));
    assert_eq!(client.delete(&ids).json()["data"]["task_id"], "", "few");
}

#[test]
fn each_fault_before_and_after_its_effect() {
    let own = vec![
        How::Code(9, "no".to_owned()),
        How::Data(json!({"task_id": "x"})),
    ];
    let delete = |when, how| {
        let fake = Fake::start();
        let client = Client::new(&fake);
        let ids = planted(&fake, 1);
        fake.fail_next(Call::DeleteMany, 1, when, how);
        (client.delete(&ids), fake.binned() == 1)
    };
    each_fault(own, delete, |how, reply| match how {
        How::Code(..) => said(reply) == (200, 9),
        How::Data(data) => reply.json()["data"] == *data,
        _ => false,
    });
}

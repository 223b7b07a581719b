//! What to do about the lines of the log that the page shows: one table.

use crate::store::Advice;

/// A part of the line, and what to do. What the line says itself isn't said again in its language.
const KNOWN: [(&str, Advice); 22] = [
    (
        "login failed from",
        Advice {
            en: "see who has that address, unless it was you: restic takes name and password from \
                 RESTIC_REST_USERNAME and RESTIC_REST_PASSWORD",
            zh: "如果不是您本人，请查明该地址属于谁；restic 从 RESTIC_REST_USERNAME 和 \
                 RESTIC_REST_PASSWORD 读取用户名和密码",
        },
    ),
    (
        "which asks for no password",
        Advice {
            en: "give users passwords with --htpasswd-file, or listen on 127.0.0.1 only",
            zh: "请用 --htpasswd-file 为用户设置密码，或只监听 127.0.0.1",
        },
    ),
    (
        "can look into",
        Advice {
            en: "",
            zh: "本机其他用户可以查看该文件或目录：请按该行所示用 chmod 收紧权限",
        },
    ),
    (
        "no state directory is writable",
        Advice {
            en: "",
            zh: "请用 --state-dir 指定一个可写的目录",
        },
    ),
    (
        "LISTEN_ADDR and LISTEN_PORT",
        Advice {
            en: "",
            zh: "请改用 PAN123_LISTEN 设置监听地址",
        },
    ),
    (
        "stays in force",
        Advice {
            en: "correct the file that the line names",
            zh: "请改正该行所指的文件；在此之前沿用旧内容",
        },
    ),
    (
        "more than its limit",
        Advice {
            en: "prune the repositories there, or raise the limit in the file of --roles",
            zh: "请清理该处的仓库 (restic forget --prune)，或在 --roles 文件中提高限额",
        },
    ),
    (
        "don't fit into",
        Advice {
            en: "prune, free some space in the account, or lower --reserve",
            zh: "请清理仓库 (restic forget --prune)、在账户中腾出空间，或调低 --reserve",
        },
    ),
    (
        "less than the reserve",
        Advice {
            en: "free some space in the account, or lower --reserve",
            zh: "请在账户中腾出空间，或调低 --reserve",
        },
    ),
    (
        "purging frees no space",
        Advice {
            en: "free some space in the account, or buy more",
            zh: "清空回收站没有腾出空间：请删除其他文件或购买容量",
        },
    ),
    (
        "empty the bin any more",
        Advice {
            en: "",
            zh: "云盘不再允许程序清空回收站：请不时在网页上手动清空",
        },
    ),
    (
        "what is to be purged",
        Advice {
            en: "make the state directory writable; bin purge frees what stays in the bin",
            zh: "请确认状态目录可写；留在回收站里的文件可用 bin purge 清除",
        },
    ),
    (
        "more than three programs use",
        Advice {
            en: "",
            zh: "同一 client id 最多供三个程序使用：请为每台机器申请各自的 client id，或停掉其中一个",
        },
    ),
    (
        "is damaged at",
        Advice {
            en: "run restic check",
            zh: "文件已损坏，正在替换：请运行 restic check",
        },
    ),
    (
        "has lost",
        Advice {
            en: "",
            zh: "云盘丢失了刚上传的文件：请重新备份，必要时先运行 restic unlock",
        },
    ),
    (
        "new file(s) into",
        Advice {
            en: "",
            zh: "刚上传的文件被移入了回收站：请重新备份，必要时先运行 restic unlock",
        },
    ),
    (
        "broke its body off",
        Advice {
            en: "nothing was stored, and restic sends it again",
            zh: "客户端中途断开，未存入任何内容；restic 会自动重传",
        },
    ),
    (
        "content audit",
        Advice {
            en: "run restic check, and back up again",
            zh: "文件被云盘的内容审核拒绝：请运行 restic check，然后重新备份",
        },
    ),
    (
        "has several folders",
        Advice {
            en: "",
            zh: "存在同名文件夹，读取时会合并：请在网页上把文件移到最早的那个里",
        },
    ),
    (
        "--spool-dir",
        Advice {
            en: "",
            zh: "请用 --spool-dir 指定空间足够的目录，或调高 --memory",
        },
    ),
    (
        "was cut off",
        Advice {
            en: "it will be asked for again; if it happens often, look at the network",
            zh: "客户端会自动重试；若经常发生，请检查网络",
        },
    ),
    (
        "panicked",
        Advice {
            en: "this is a fault of the program: please report the lines before it",
            zh: "这是程序缺陷：请把此前的日志报告给开发者",
        },
    ),
];

/// What to do about a line, if that is known.
pub(super) fn about(line: &str) -> Option<Advice> {
    let known = KNOWN.iter().find(|(part, _)| line.contains(part));
    known.map(|(_, advice)| *advice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    /// The texts of all sources, with their broken lines joined.
    fn said(folder: &Path, all: &mut String) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => said(&path, all),
                false if path.ends_with("page/advice.rs") => {}
                false => {
                    let text = fs::read_to_string(&path).unwrap_or_default();
                    let mut pieces = text.split("\\\n");
                    all.push_str(pieces.next().unwrap_or_default());
                    pieces.for_each(|piece| all.push_str(piece.trim_start()));
                }
            }
        }
    }

    #[test]
    fn every_known_line_is_one_that_the_program_says() {
        let mut all = String::new();
        said(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut all);
        for (part, advice) in KNOWN {
            assert!(all.contains(part), "nothing says {part:?}");
            assert!(!advice.zh.is_empty(), "{part}");
        }
    }
}

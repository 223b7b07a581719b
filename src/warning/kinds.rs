//! The kinds of warnings: one table, each with its name, what it means in Chinese (in English the
//! sentence itself says it), and what to do about it in both languages.

use super::Advice;

/// Makes the enum and its table from the same lines.
macro_rules! kinds {
    ($($(#[$about:meta])* $kind:ident $name:literal, $title:literal, $en:literal, $zh:literal;)*) => {
        /// What a warning is about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($(#[$about])* $kind,)*
        }

        impl Kind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$kind),*];

            /// Its name, for machines.
            pub fn name(self) -> &'static str {
                self.row().0
            }

            /// What it means in Chinese; `{}` stands for what it is about.
            pub fn chinese(self) -> &'static str {
                self.row().1
            }

            /// What to do about it; nothing in English where the sentence says it.
            pub fn advice(self) -> Advice {
                self.row().2
            }

            fn row(self) -> (&'static str, &'static str, Advice) {
                match self {
                    $(Self::$kind => ($name, $title, Advice { en: $en, zh: $zh }),)*
                }
            }
        }
    };
}

kinds! {
    /// A wrong name or password came from an address.
    Login "login",
        "登录失败，来自 {}",
        "see who has that address, unless it was you: restic takes name and password from \
         RESTIC_REST_USERNAME and RESTIC_REST_PASSWORD",
        "如果不是您本人，请查明该地址属于谁；restic 从 RESTIC_REST_USERNAME 和 RESTIC_REST_PASSWORD 读取用户名和密码";
    /// Other machines get in without a password.
    OpenToAll "open-to-all",
        "其他机器无需密码即可访问本服务器",
        "give users passwords with --htpasswd-file, or listen on 127.0.0.1 only",
        "请用 --htpasswd-file 为用户设置密码，或只监听 127.0.0.1";
    /// Others of this machine can read a file with secrets.
    Exposed "exposed",
        "本机其他用户可以查看 {}",
        "",
        "请用 chmod 收紧权限：文件 600，目录 700";
    /// There is no usable state directory.
    StateFolder "state-folder",
        "没有可写的状态目录：{}",
        "",
        "请用 --state-dir 指定一个可写的目录";
    /// A file of the state directory can't be written.
    StateFile "state-file",
        "无法写入 {}",
        "make the state directory writable, and make room on its disk",
        "请确认状态目录可写，且磁盘有剩余空间";
    /// A file of the state directory can't be read.
    StateUnread "state-unread",
        "无法读取 {}，其内容被忽略",
        "",
        "服务器会照常运行；如为待清除列表，可用 bin purge 清除留在回收站里的文件";
    /// A setting means nothing, or is old.
    Setting "setting",
        "设置无效或已过时：{}",
        "",
        "请运行 restic-123pan check-config 查看说明并改正";
    /// A file that was changed can't be used.
    Reload "reload",
        "文件有误，沿用旧内容：{}",
        "correct the file that the line names",
        "请改正该文件；在此之前沿用旧内容";
    /// The new certificate can't be used.
    Certificate "certificate",
        "新证书无法使用，沿用旧证书",
        "correct the files of --tls-cert and --tls-key",
        "请改正 --tls-cert 和 --tls-key 的文件";
    /// The system gives less than was asked for.
    Resources "resources",
        "系统资源不足：{}",
        "raise the limits of processes and open files, or free some memory",
        "请提高进程数和打开文件数的限制，或释放内存";
    /// A fault of the program.
    Panic "panic",
        "程序内部错误：{}",
        "this is a fault of the program: please report the lines before it",
        "这是程序缺陷：请把此前的日志报告给开发者";
    /// A folder has reached its limit.
    FolderFull "folder-full",
        "目录已达限额：{}",
        "prune the repositories there, or raise the limit in the file of --roles",
        "请清理该处的仓库 (restic forget --prune)，或在 --roles 文件中提高限额";
    /// Only the reserve is free.
    Reserve "reserve",
        "剩余空间只够预留：{}",
        "prune, free some space in the account, or lower --reserve",
        "请清理仓库 (restic forget --prune)、在账户中腾出空间，或调低 --reserve";
    /// The account is full.
    Full "full",
        "空间已满：{}",
        "free some space in the account or buy more, then run restic again",
        "请在账户中腾出空间或购买容量，然后重新运行 restic";
    /// Less than the reserve is free.
    LowSpace "low-space",
        "剩余空间低于预留",
        "free some space in the account, or lower --reserve",
        "请在账户中腾出空间，或调低 --reserve";
    /// Purging frees nothing.
    VainPurge "vain-purge",
        "清空回收站没有腾出空间",
        "free some space in the account, or buy more",
        "请删除其他文件或购买容量";
    /// The bin can't be emptied by programs.
    NoPurge "no-purge",
        "程序无法清空云盘的回收站",
        "",
        "请不时在网页上手动清空";
    /// Programs push each other's tokens out.
    TooMany "too-many-programs",
        "同时使用同一 client id 的程序过多",
        "",
        "同一 client id 最多供三个程序使用：请为每台机器申请各自的 client id，或停掉其中一个";
    /// The login has to be repeated.
    Grant "grant",
        "登录授权不可用",
        "log in again with restic-123pan login",
        "请用 restic-123pan login 重新登录";
    /// A file is damaged at the cloud.
    Damaged "damaged",
        "文件已损坏：{}",
        "run restic check",
        "请运行 restic check；再次上传同一文件时会替换它";
    /// The cloud's audit has rejected a file.
    Audit "audit",
        "文件被云盘的内容审核拒绝：{}",
        "run restic check, and back up again",
        "请运行 restic check，然后重新备份";
    /// The cloud has lost what was stored.
    Lost "lost",
        "云盘丢失了刚上传的文件：{}",
        "",
        "请重新备份，必要时先运行 restic unlock";
    /// Somebody has put new files into the bin.
    Binned "binned",
        "刚上传的文件被移入了回收站：{}",
        "",
        "过一会儿再重新备份，最长等待时间见日志";
    /// A client broke its upload off.
    BrokenBody "broken-body",
        "客户端中途断开，未存入任何内容：{}",
        "nothing was stored, and restic sends it again",
        "restic 会自动重传";
    /// An upload isn't what its name or length says.
    BadBody "bad-body",
        "上传内容与其名称或长度不符，未存入：{}",
        "nothing was stored; if it comes again, look at that machine's memory and network",
        "如果反复出现，请检查那台机器的内存和网络";
    /// A name is taken by other content.
    Taken "taken",
        "同名文件已存在且内容不同：{}",
        "two clients may have initialised one repository: look at it with restic",
        "可能有两个客户端初始化了同一仓库：请用 restic 检查";
    /// A body fits neither memory nor spool.
    Spool "spool",
        "暂存空间不足：{}",
        "raise --memory, or name a --spool-dir with room",
        "请用 --spool-dir 指定空间足够的目录，或调高 --memory";
    /// An answer broke off.
    CutOff "cut-off",
        "下载或列表中途断开：{}",
        "it will be asked for again; if it happens often, look at the network",
        "客户端会自动重试；若经常发生，请检查网络";
    /// The cloud answered with an error.
    Cloud "cloud",
        "云端返回错误：{}",
        "restic tries again by itself; the log has the cloud's words",
        "restic 会自动重试；云端原话见日志";
    /// The cloud can't be used for now.
    Busy "busy",
        "云端暂时不可用：{}",
        "restic tries again by itself",
        "restic 会自动重试";
    /// Packs couldn't be removed.
    Unremoved "unremoved",
        "有数据包未能删除",
        "the next prune removes them",
        "下一次 prune 会删除它们";
    /// There are several folders of one name.
    Doubled "doubled",
        "存在同名文件夹，读取时会合并：{}",
        "",
        "请在网页上把文件移到最早的那个里";
    /// The cloud stored a file under another name.
    Suffix "suffix",
        "云盘给文件改了名，该副本会移入回收站：{}",
        "",
        "无需处理；若经常发生，请报告给开发者";
    /// The cloud doesn't do any more what it did.
    Changed "changed",
        "云盘的行为有变化：{}",
        "look for a new version of restic-123pan",
        "请查看 restic-123pan 是否有新版本";
    /// Somebody has moved or renamed something by the cloud's own program.
    Moved "moved",
        "有人在云盘里移动或重命名了：{}",
        "",
        "如非有意，请在网页上改回原来的名称和位置";
    /// The disk of the repositories is gone.
    Disk "disk",
        "仓库所在磁盘不可用：{}",
        "mount it again; nothing is written elsewhere meanwhile",
        "请重新挂载；在此期间不会写到别处";
    /// The disk can't be marked.
    Mark "mark",
        "无法标记磁盘",
        "should it be unmounted, start the server anew when it is back",
        "若曾卸载该磁盘，挂载后请重启服务器";
    /// Something that is no file lies among the files.
    NoFile "no-file",
        "不是普通文件，已略过：{}",
        "move it elsewhere",
        "请把它移到别处";
    /// A repository got no snapshot for too long.
    Stale "stale",
        "仓库很久没有新快照：{}",
        "see on that machine whether its backup still runs",
        "请检查那台机器的备份是否仍在运行";
    /// A notification couldn't be sent.
    Notify "notify",
        "通知发送失败",
        "look at --notify and at the network",
        "请检查 --notify 和网络";
}

impl Kind {
    /// The kind of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_name_of_its_own_and_speaks_chinese() {
        for kind in Kind::ALL {
            assert_eq!(Kind::named(kind.name()), Some(*kind));
            assert!(!kind.name().contains('/'), "{kind:?}");
            for text in [kind.chinese(), kind.advice().zh] {
                assert!(text.chars().any(|c| c > '\u{2e80}'), "{kind:?}");
            }
        }
    }
}

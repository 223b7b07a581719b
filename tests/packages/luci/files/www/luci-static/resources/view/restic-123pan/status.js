'use strict';
'require view';
'require fs';
'require dom';
'require poll';

/* How the servers are, as they say themselves at /-/status. Whatever comes from there is put into
   the page as text, never as HTML: children of E stand in a list. */

const HELPER = '/usr/libexec/restic-123pan-status';
/* Seconds between two looks. */
const PAUSE = 5;

function bytes(count) {
	const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
	let at = 0;
	for (; count >= 1024 && at < units.length - 1; at++)
		count /= 1024;
	return (at ? count.toFixed(1) : String(count)) + ' ' + units[at];
}

function age(then, now) {
	const seconds = Math.max(0, now - then);
	if (seconds < 120)
		return _('%d s ago').format(seconds);
	if (seconds < 7200)
		return _('%d min ago').format(Math.floor(seconds / 60));
	if (seconds < 172800)
		return _('%d h ago').format(Math.floor(seconds / 3600));
	return _('%d days ago').format(Math.floor(seconds / 86400));
}

function row(name, text) {
	return E('tr', { 'class': 'tr' }, [
		E('td', { 'class': 'td left', 'width': '33%' }, [name]),
		E('td', { 'class': 'td left' }, [text]),
	]);
}

function table(rows) {
	return E('table', { 'class': 'table' }, rows);
}

function cloudState(cloud) {
	switch (cloud.reachable) {
	case true: return _('answers');
	case false: return _('can\'t be used');
	default: return _('hasn\'t been asked yet');
	}
}

function summary(status) {
	const cloud = status.cloud || {};
	const rows = [
		row(_('Version'), status.version),
		row(_('Started'), age(status.started, status.now)),
		row(_('Cloud'), (cloud.cloud || '') + ' ' + cloudState(cloud)),
	];
	const account = cloud.account;
	if (account)
		rows.push(row(_('Space used'), account.total
			? _('%s of %s').format(bytes(account.used), bytes(account.total)) : bytes(account.used)));
	const moving = (status.transfers || []).length;
	rows.push(row(_('Files on their way'), String(moving)));
	return table(rows);
}

function repository(repo, now) {
	const last = repo.last_snapshot
		? _('last snapshot %s').format(age(repo.last_snapshot, now)) : _('no snapshot seen yet');
	return row(repo.name || _('(others)'), last);
}

function advice(trouble) {
	const chinese = (document.documentElement.lang || '').startsWith('zh');
	const said = trouble.advice || {};
	return (chinese ? said.zh : said.en) || '';
}

function troubles(status) {
	const lines = [];
	for (const trouble of (status.cloud || {}).troubles || [])
		if (!trouble.over)
			lines.push([trouble.text, advice(trouble)].filter(Boolean).join('; '));
	for (const warning of status.warnings || [])
		lines.push(age(warning.last, status.now) + ': ' + warning.text);
	return lines.map((line) => E('div', { 'class': 'alert-message warning' }, [line]));
}

function server(name, status) {
	const parts = [E('h3', {}, [name])];
	if (status.error)
		parts.push(E('div', { 'class': 'alert-message error' }, [status.error]));
	else
		parts.push(...troubles(status), summary(status), E('h4', {}, [_('Repositories')]),
			table((status.repositories || []).map((repo) => repository(repo, status.now))));
	return E('div', { 'class': 'cbi-section' }, parts);
}

function servers(all) {
	const names = Object.keys(all);
	if (!names.length)
		return [E('p', {}, [_('No server is enabled; see the tab Servers.')])];
	return names.map((name) => server(name, all[name]));
}

function look() {
	return fs.exec(HELPER, []).then((done) => JSON.parse(done.stdout));
}

return view.extend({
	load: look,

	render: function (all) {
		const place = E('div', { 'id': 'restic-123pan' }, servers(all));
		poll.add(() => look().then((now) => dom.content(place, servers(now))), PAUSE);
		return E('div', {}, [E('h2', {}, [_('restic-123pan')]), place]);
	},

	handleSave: null,
	handleSaveApply: null,
	handleReset: null,
});

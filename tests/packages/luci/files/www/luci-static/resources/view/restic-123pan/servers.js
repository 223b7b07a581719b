'use strict';
'require view';
'require form';
'require fs';

/* The form for /etc/config/restic-123pan. Which options there are, and what they mean, the
   installed program says itself; here stand their places, and what only the router knows. */

const PROGRAM = '/usr/bin/restic-123pan';

const TABS = [
	['general', _('General')],
	['account', _('Account')],
	['access', _('Access')],
	['limits', _('Limits')],
	['more', _('More')],
];

/* What isn't named here stands under More. */
const PLACES = {
	general: /^(cloud|listen|host|log|repo_path|state_dir|max_age|notify)$/,
	account: /^(client_|oauth_|smh_|kdocs_|local_|tier$)/,
	access: /^(htpasswd_file|roles|private_repos|append_only|no_auth|trusted_proxy|tls_|status_)/,
	limits: /^(memory|spool_|workers|uploads|rate_share|limit_|reserve|bin$)/,
};

/* Whose options are of use with one cloud alone. */
const CLOUDS = {
	'123pan': /^(client_|oauth_|api_url$|tier$|allow_http_upload$)/,
	'local': /^local_/,
	'smh': /^(smh_|allow_http_upload$)/,
	'kdocs': /^kdocs_/,
};

/* Words of names as people write them. */
const WORDS = {
	api: 'API', auth: 'passwords', bin: 'recycle bin', ca: 'CA', cert: 'certificate', config: 'more options',
	dir: 'folder', htpasswd: 'password', http: 'HTTP', id: 'ID', ipv6: 'IPv6', oauth: 'OAuth',
	repo: 'repository', repos: 'repositories', smh: 'SMH', tls: 'TLS', url: 'URL',
};

/* Those of the router's that the program doesn't know, and nobody may read the marked ones. */
const CREDENTIALS = [
	{ name: 'client_id_file', about: 'file with the client ID' },
	{ name: 'client_secret_file', about: 'file with the client secret, or the secret of the OAuth app' },
	{ name: 'client_id', about: 'instead of its file' },
	{ name: 'client_secret', about: 'instead of its file', hidden: true },
];
const STATUS = [
	{ name: 'status_user', about: 'as whom the status page asks, where passwords are asked for' },
	{ name: 'status_password', about: 'that user\'s password', hidden: true },
];

/* What holds sizes even where the example says nothing of a default. */
const SIZES = /^(memory|reserve|spool_size)$/;

function title(name) {
	const text = name.split('_').map((word) => WORDS[word] || word).join(' ');
	return _(text.charAt(0).toUpperCase() + text.slice(1));
}

/* What an option means: translations go by its name, since the program says it in its own words. */
function help(option) {
	const key = 'help ' + option.name;
	const said = _(key);
	return said === key ? option.about : said;
}

/* The words that a text lists, as in "call rates: auto, free or vip; default auto", and
   "what keeps the files: 123pan, an account; local, a folder". */
function choices(about) {
	const [, first = '', ...rest] = about.match(/: ([^;]*)((?:;[^;]*)*)/) || [];
	const words = first.split(/, or |, | or /);
	for (const [, word] of (rest[0] || '').matchAll(/; ([a-z0-9-]+), /g))
		words.push(word);
	return words.filter((word) => /^[a-z0-9-]+$/.test(word));
}

/* The options of the program's own example: a comment, then a line that sets one, perhaps after
   a #. A switch is set to 1 and has no default. */
function options(text) {
	const found = [];
	for (const [, about, name, value] of text.matchAll(/^\t# (.*)\n\t#?option (\w+) '(.*)'$/gm))
		found.push({
			name: name,
			about: about,
			preset: /; default /.test(about) ? value : '',
			choices: choices(about),
			toggles: value === '1' && !/; default /.test(about),
			repeats: /more than once/.test(about),
		});
	return found;
}

function placeOf(name) {
	return Object.keys(PLACES).find((tab) => PLACES[tab].test(name)) || 'more';
}

/* A size, as the program reads it. */
function isSize(section, value) {
	return value === '' || /^\d+[KMGT]?$/i.test(value) || _('Write a size, such as 500K or 1G');
}

function add(section, option) {
	const kind = option.toggles ? form.Flag : option.repeats ? form.DynamicList : form.Value;
	const o = section.taboption(placeOf(option.name), kind, option.name, title(option.name),
		help(option));
	const preset = option.preset || '';
	o.placeholder = preset;
	if (/^\d+$/.test(preset))
		o.datatype = 'uinteger';
	else if (/^\d+\.\d+$/.test(preset))
		o.datatype = 'ufloat';
	else if (SIZES.test(option.name))
		o.validate = isSize;
	for (const word of option.choices || [])
		o.value(word);
	o.password = option.hidden || false;
	/* What a cloud doesn't need isn't shown, but stays. */
	for (const cloud in CLOUDS)
		if (CLOUDS[cloud].test(option.name)) {
			o.depends('cloud', cloud);
			if (cloud === '123pan')
				o.depends('cloud', '');
			o.retain = true;
		}
	return o;
}

return view.extend({
	load: function () {
		return fs.exec(PROGRAM, ['service', 'openwrt-config']).then((done) => {
			if (done.code !== 0)
				throw new Error(_('The program can\'t be started') + ': ' + (done.stderr || done.code));
			/* The cloud first: it decides what else is asked for. */
			return options(done.stdout).sort((a, b) => (b.name === 'cloud') - (a.name === 'cloud'));
		});
	},

	render: function (known) {
		const map = new form.Map('restic-123pan', _('restic-123pan'),
			_('Servers that keep the repositories of restic and rustic in a cloud.'));
		const section = map.section(form.TypedSection, 'server', _('Servers'),
			_('Each listens at an address of its own.'));
		section.addremove = true;
		section.anonymous = false;
		for (const [name, label] of TABS)
			section.tab(name, label);

		const enabled = section.taboption('general', form.Flag, 'enabled', _('Enabled'));
		enabled.rmempty = false;
		for (const option of CREDENTIALS.concat(known, STATUS))
			add(section, option);
		return map.render();
	},
});

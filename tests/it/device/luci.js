/* Stands in for LuCI, as far as the views of luci-app-restic-123pan use it: `view`, `form`, `fs`,
   `dom`, `poll`, E() and _(), over a document of its own. `node luci.js FILE` reads a story in JSON

     view    the view's file                  uci     sections by name, each with its options
     exec    commands and what they answer    lang    the page's language
     lmo     the catalogue of that language   typed   what somebody types and saves, by section

   and prints what came of it: the page in HTML, the commands that were started, what has no
   translation, the form's options, what was saved, and what was refused. */
'use strict';
const fs = require('fs');

const story = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const result = { calls: [], untranslated: [], options: [], errors: [], polls: [] };

/* The document. */

class Node {
	constructor(tag, attributes) {
		this.tag = tag;
		this.attributes = attributes || {};
		this.children = [];
	}
	get html() {
		const attributes = Object.entries(this.attributes).filter(([, value]) => value != null);
		const text = attributes.map(([name, value]) => ` ${name}="${escaped(value)}"`).join('');
		if (this.tag === 'input')
			return `<input${text}>`;
		return `<${this.tag}${text}>${this.children.map(shown).join('')}</${this.tag}>\n`;
	}
}

function escaped(text) {
	const names = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
	return String(text).replace(/[&<>"]/g, (c) => names[c]);
}

function shown(child) {
	return child instanceof Node ? child.html : child.raw !== undefined ? child.raw : escaped(child);
}

const document = { documentElement: { lang: story.lang || 'en' } };
const dom = {
	/* As LuCI has it: what stands in a list is text, what stands alone is HTML. */
	append(node, children) {
		if (Array.isArray(children))
			for (const child of children)
				Array.isArray(child) ? dom.append(node, child) : child != null && node.children.push(child);
		else if (children instanceof Node)
			node.children.push(children);
		else if (children != null)
			node.children.push({ raw: String(children) });
		return node;
	},
	content(node, children) {
		node.children = [];
		return dom.append(node, children);
	},
};

function E(tag, attributes, children) {
	return dom.append(new Node(tag, attributes), children);
}

/* Translations: the hash of the text, and a search in the catalogue. */

function hash(text) {
	const bytes = Buffer.from(text, 'utf8');
	const rest = bytes.length & 3;
	let sum = bytes.length, at = 0;
	const plus = (count) => { sum = (sum + count) >>> 0; };
	const mix = (bits) => { sum = (sum ^ bits) >>> 0; };
	for (; at < bytes.length - rest; at += 4) {
		plus(bytes.readUInt16LE(at));
		sum = ((sum << 16) ^ (bytes.readUInt16LE(at + 2) << 11) ^ sum) >>> 0;
		plus(sum >>> 11);
	}
	if (rest > 1)
		plus(bytes.readUInt16LE(at));
	switch (rest) {
	case 3: mix(sum << 16); mix(bytes.readInt8(at + 2) << 18); plus(sum >>> 11); break;
	case 2: mix(sum << 11); plus(sum >>> 17); break;
	case 1: plus(bytes.readInt8(at)); mix(sum << 10); plus(sum >>> 1); break;
	}
	for (const [left, right] of [[3, 5], [4, 17], [25, 6]]) {
		mix(sum << left);
		plus(sum >>> right);
	}
	return sum;
}

const catalogue = story.lmo ? fs.readFileSync(story.lmo) : null;

function _(text) {
	const found = translated(text);
	if (found === text)
		result.untranslated.push(text);
	return found;
}

function translated(text) {
	if (!catalogue)
		return text;
	const start = catalogue.readUInt32BE(catalogue.length - 4);
	const wanted = hash(text);
	let low = 0, high = (catalogue.length - 4 - start) / 16;
	while (low < high) {
		const at = (low + high) >> 1;
		const row = start + at * 16;
		const found = catalogue.readUInt32BE(row);
		if (found === wanted) {
			const offset = catalogue.readUInt32BE(row + 8);
			return catalogue.toString('utf8', offset, offset + catalogue.readUInt32BE(row + 12));
		}
		found < wanted ? low = at + 1 : high = at;
	}
	return text;
}

String.prototype.format = function (...values) {
	return this.replace(/%[sd]/g, () => values.shift());
};

/* Commands and the clock. */

const files = {
	exec(command, words) {
		const line = [command, ...(words || [])].join(' ');
		result.calls.push(line);
		const answer = story.exec[line];
		return answer ? Promise.resolve(answer) : Promise.reject(new Error(`${line}: permission denied`));
	},
};
const poll = { add: (act, seconds) => result.polls.push([act, seconds]) };
const view = { extend: (parts) => parts };

/* The form. */

class Option {
	constructor(kind, name, title, description) {
		Object.assign(this, { kind, name, title, description, words: [], conditions: [] });
	}
	value(word) { this.words.push(word); }
	depends(name, value) { this.conditions.push([name, value]); }
	needed(values) {
		return !this.conditions.length || this.conditions.some(([name, value]) => (values[name] || '') === value);
	}
	/* What is wrong with a value, if anything. */
	fault(section, value) {
		const types = { uinteger: /^\d+$/, ufloat: /^\d+(\.\d+)?$/ };
		if (value !== '' && this.datatype && !types[this.datatype].test(value))
			return this.datatype;
		const said = this.validate ? this.validate(section, value) : true;
		return said === true ? null : said;
	}
	render(values) {
		const value = values[this.name] || '';
		const type = this.kind === 'Flag' ? 'checkbox' : this.password ? 'password' : 'text';
		const checked = this.kind === 'Flag' && value === '1' ? 'checked' : null;
		const list = this.words.length ? E('datalist', {}, this.words.map((word) => E('option', {}, [word]))) : '';
		return E('div', { 'class': 'cbi-value' }, [
			E('label', {}, [this.title]),
			E('div', {}, [
				E('input', { type, name: this.name, value, checked, placeholder: this.placeholder }, []), list,
				E('small', {}, this.description || ''),
			]),
		]);
	}
}

class Section {
	constructor(type, title, description) {
		Object.assign(this, { type, title, description, tabs: [], options: [] });
	}
	tab(name, title) { this.tabs.push([name, title]); }
	taboption(tab, kind, name, title, description) {
		if (!this.tabs.some(([known]) => known === tab))
			throw new Error(`there is no tab ${tab}`);
		const option = new Option(kind, name, title, description);
		this.options.push([tab, option]);
		return option;
	}
	render(name, values) {
		const tabs = this.tabs.map(([tab, title]) => {
			const its = this.options.filter(([at, option]) => at === tab && option.needed(values));
			return E('fieldset', { 'class': tab }, [E('legend', {}, [title]), ...its.map(([, option]) => option.render(values))]);
		});
		return E('div', { 'class': 'cbi-section' }, [E('h3', {}, [name]), ...tabs]);
	}
	/* What is saved of what was typed; an option that isn't needed goes, unless it is retained. */
	save(name, values, typed) {
		const all = Object.assign({}, values, typed);
		for (const [, option] of this.options) {
			const fault = option.fault(name, all[option.name] || '');
			if (fault)
				result.errors.push(`${name}.${option.name}: ${fault}`);
			const idle = !option.needed(all) && !option.retain;
			if (idle || (option.kind === 'Flag' ? all[option.name] !== '1' && option.rmempty !== false : !all[option.name]))
				delete all[option.name];
		}
		return all;
	}
}

class FormMap {
	constructor(config, title, description) {
		Object.assign(this, { config, title, description, sections: [] });
		result.config = config;
	}
	section(kind, type, title, description) {
		const section = new Section(type, title, description);
		this.sections.push(section);
		return section;
	}
	render() {
		const [section] = this.sections;
		result.options = section.options.map(([tab, option]) => Object.assign({ tab }, option));
		result.saved = {};
		for (const name in story.typed || {})
			result.saved[name] = section.save(name, story.uci[name], story.typed[name]);
		const all = Object.entries(story.uci).map(([name, values]) => section.render(name, values));
		return Promise.resolve(E('div', {}, [E('h2', {}, [this.title]), E('p', {}, [this.description]), ...all]));
	}
}

const form = { Map: FormMap, TypedSection: 'TypedSection', Flag: 'Flag', Value: 'Value', DynamicList: 'DynamicList' };

const source = fs.readFileSync(story.view, 'utf8');
const wanted = [...source.matchAll(/^'require (\w+)';$/gm)].map((found) => found[1]);
const known = { view, form, fs: files, dom, poll };
for (const name of wanted)
	if (!known[name])
		throw new Error(`the stand-in has no ${name}`);

(async () => {
	const page = new Function('document', 'E', '_', ...wanted, source)(document, E, _, ...wanted.map((name) => known[name]));
	const node = await page.render(await page.load());
	for (const [act, seconds] of result.polls.slice())
		if (seconds > 0)
			await act();
	result.html = node.html;
	result.polls = result.polls.map(([, seconds]) => seconds);
	result.buttons = page.handleSave !== null;
	console.log(JSON.stringify(result));
})().catch((error) => {
	console.error(String(error && error.stack || error));
	process.exitCode = 1;
});

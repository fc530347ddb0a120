/* Events as JSON, both ways, and what is refused. */
#include "config.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "tests/unit/feed.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* Every kind, every member. */
static const char *const every_kind[] = {
	"{'event':'environment','time':'2030-01-01T00:00:00.000000000Z','source':'','name':'prod','title':'Blog','colour':'red',"
	"'protected':true,'severity_label':'severity','severities':[{'value':'critical','severity':'page'}],"
	"'sources':[{'name':'am','type':'alertmanager','url':'http://127.0.0.1:9093','interval_ns':5000000000}],"
	"'queries':[{'id':'query:a','name':'a','title':'A','expr':'up','unit':'none','source':'p','objective':0.02,'slo':'slo:a'},"
	"{'id':'query:b','name':'b','title':'B','expr':'down','unit':'none','source':'p'}],"
	"'markers':[{'id':'marker:a','name':'a','title':'A','expr':'x','source':'p','label':'version','group_by':'model'},"
	"{'id':'marker:b','name':'b','title':'B','expr':'x','source':'p','label':'version'}],"
	"'contacts':[{'role':'primary','name':'N','channel':'#c','responsibility':'all'}],"
	"'models':[{'id':'model:a','name':'a','title':'A','registry':'mlflow','alias':'champion','serving_expr':'e','serving_source':'p',"
	"'version_label':'version','host_label':'instance','serving_path':'','group':'serving','max_age_ns':5,'max_data_age_ns':6,'data_key':'until',"
	"'online':[{'metric':'auc','query':'online:a:auc','expr':'x','label':'version','source':'p'}]},"
	"{'id':'model:b','name':'b','title':'','registry':'mlflow','stage':'Production','serving_url':'http://{host}/','serving_path':'a.b',"
	"'max_age_ns':0,'max_data_age_ns':0,'online':[]}]}",

	"{'event':'source-report','time':'2030-01-01T00:00:00.123456789Z','source':'am','what':'alerts','ok':false,'error':'timeout',"
	"'http_status':503,'latency_ns':12,'bytes':34,'next_due':'2030-01-01T00:00:05.000000000Z','skew_ns':-7,'replica':'http://x'}",

	"{'event':'source-info','time':'2030-01-01T00:00:00.000000000Z','source':'am','product':'Alertmanager','version':'0.25',"
	"'started':'1970-01-01T00:00:00.000000000Z','notes':['peer a','peer b'],'receivers':['oncall']}",

	"{'event':'alerts','time':'2030-01-01T00:00:00.000000000Z','source':'am','alerts':[{'name':'A','labels':{'alertname':'A','z':'','b':'\\u00e9'},"
	"'annotations':{'summary':'s'},'state':'silenced','since':'2030-01-01T00:00:00.000000000Z','updated':'2030-01-01T00:00:00.000000000Z',"
	"'ends':'2262-04-11T23:47:16.854775807Z','fingerprint':'f','generator_url':'g','silenced_by':['1','2'],'inhibited_by':[],"
	"'receivers':['r']},{'name':'B','labels':{},'annotations':{},'state':'pending','since':'2030-01-01T00:00:00.000000000Z',"
	"'updated':'1970-01-01T00:00:00.000000000Z','ends':'2262-04-11T23:47:16.854775807Z','value':'1e+00','silenced_by':[],"
	"'inhibited_by':['x'],'receivers':[]}]}",

	"{'event':'groups','time':'2030-01-01T00:00:00.000000000Z','source':'am','groups':[{'labels':{'service':'web','z':''},"
	"'receiver':'oncall','fingerprints':['f','g']},{'labels':{},'receiver':'','fingerprints':[]}]}",

	"{'event':'silences','time':'2030-01-01T00:00:00.000000000Z','source':'am','silences':[{'id':'i','matchers':[{'name':'a','value':'b.*',"
	"'regex':true,'equal':false}],'starts':'2030-01-01T00:00:00.000000000Z','ends':'2030-01-01T01:00:00.000000000Z',"
	"'updated':'2030-01-01T00:00:00.000000000Z','created_by':'me','comment':'ACK','state':'active'}]}",

	"{'event':'targets','time':'2030-01-01T00:00:00.000000000Z','source':'p','targets':[{'job':'web','instance':'web-1','labels':{'job':'web'},'url':'http://w',"
	"'error':'refused','health':'down','last_scrape':'2030-01-01T00:00:00.000000000Z','scrape_s':0.25}],'n_up':0,'n_down':1,"
	"'n_unknown':0,'n_dropped':4}",

	"{'event':'rules','time':'2030-01-01T00:00:00.000000000Z','source':'p','rules':[{'group':'g','name':'r','query':'q','error':'e',"
	"'alerting':true,'health':'err','labels':{'severity':'page'},'evaluated':'2030-01-01T00:00:00.000000000Z','evaluation_s':'NaN'}],'n_err':1}",

	"{'event':'series','time':'2030-01-01T00:00:00.000000000Z','source':'p','type':'matrix','query':'query:a',"
	"'start':'2030-01-01T00:00:00.000000000Z','end':'2030-01-01T01:00:00.000000000Z','step_ns':15000000000,"
	"'series':[{'labels':{'a':'b'},'samples':[[1893456000000000000,1.5],[1893456001000000000,'NaN'],[1893456002000000000,'+Inf'],"
	"[1893456003000000000,'-Inf'],[1893456004000000000,-0.0]],'histograms':[[1893456000000000000,3.0,4.5,[[0,0.0,1.0,2.0],"
	"[3,1.0,'+Inf',1.0]]]]}],'n_left_out':7,'text':'t','warnings':['w'],'infos':['i']}",

	"{'event':'markers','time':'2030-01-01T00:00:00.000000000Z','source':'p','def':'marker:a','start':'2030-01-01T00:00:00.000000000Z',"
	"'end':'2030-01-01T01:00:00.000000000Z','markers':[{'kind':'change','at':'2030-01-01T00:30:00.000000000Z','what':'spam-filter',"
	"'from':'6','to':'7','text':'spam-filter 6 -> 7','n_series':3}],'note':'n'}",

	"{'event':'operation','time':'2030-01-01T00:00:00.000000000Z','source':'am','id':'op1','verb':'silence','object':'o','text':'t',"
	"'state':'unknown'}",

	"{'event':'registry','time':'2030-01-01T00:00:00.000000000Z','source':'mlflow','models':[{'name':'a','description':'d',"
	"'created':'2030-01-01T00:00:00.000000000Z','updated':'2030-01-01T00:00:01.000000000Z','tags':{'team':'t'},'aliases':[{'alias':'champion',"
	"'version':'9007199254740993'},{'alias':'old','version':'6'}],'versions':[{'version':'9007199254740993','stage':'Production',"
	"'aliases':['champion'],'status':'READY','by':'ci','description':'x','uri':'u','run':'r','created':'2030-01-01T00:00:00.000000000Z',"
	"'updated':'2030-01-01T00:00:00.000000000Z','data':'2029-12-31T00:00:00.000000000Z','tags':{'k':'\\u0007'},'params':{'lr':'1e-3'},"
	"'metrics':[['auc',0.5,1893456000000000000],['loss','NaN',0]],'run_known':true},{'version':'6','stage':'','aliases':[],'status':'','by':'',"
	"'description':'','uri':'','run':'','created':'1970-01-01T00:00:00.000000000Z','updated':'1970-01-01T00:00:00.000000000Z',"
	"'data':'1970-01-01T00:00:00.000000000Z','tags':{},'params':{},'metrics':[],'run_known':false}],'n_left_out':9,'unread':true}],'n_left_out':1,'notes':['n']}",

	"{'event':'serving','time':'2030-01-01T00:00:00.000000000Z','source':'p','model':'model:a','serving':[{'host':'s-1','version':'1.10',"
	"'at':'2030-01-01T00:00:00.000000000Z','since':'2030-01-01T00:00:00.000000000Z','error':''},{'host':'s-2','version':'','at':'1970-01-01T00:00:00.000000000Z','since':'1970-01-01T00:00:00.000000000Z','error':'timeout'}],"
	"'notes':['n']}",

	"{'event':'hosts','time':'2030-01-01T00:00:00.000000000Z','source':'','hosts':[{'name':'web-2','groups':['a','b'],'address':'10.0.0.2','port':22,"
	"'user':'deploy','where':'opsconsole.yaml:1:1'},{'name':'web-10','groups':[],'address':'web-10','port':0,'user':'','where':''}],'notes':['n']}",

	"{'event':'slo-defs','time':'2030-01-01T00:00:00.000000000Z','source':'','slos':[{'id':'slo:a','name':'a','title':'A','service':'web',"
	"'kind':'latency','source':'p','origin':'openslo','where':'slos.yaml:1:1','target':0.999,'method':'timeslices','slice_ns':60000000000,"
	"'slice_target':0.95,'period_ns':86400000000000,'bounds':['2030-01-01T00:00:00.000000000Z','2030-01-02T00:00:00.000000000Z',"
	"'2262-04-11T23:47:16.854775807Z'],'indicator':'ratio','good':'g','bad':'b','total':'t','counter':true,'raw':'r','raw_success':true,"
	"'compare':'>=','threshold':0.25,'resolution_ns':15000000000,'rules':[{'factor':14.4,'long_ns':3600000000000,'short_ns':300000000000,"
	"'for_ns':120000000000,'severity':'page'}],'no_data_severity':'ticket','min_bad':1.0,'min_events':10.0,'corrections':[{'id':'c1',"
	"'start':'2030-01-01T00:00:00.000000000Z','end':'2030-01-01T01:00:00.000000000Z','reason':'drill','by':'me',"
	"'at':'2030-01-01T02:00:00.000000000Z'}],'alert_labels':{'alertname':'Burn'},'recorded_ns':300000000000,'notes':['n']},"
	"{'id':'slo:b','name':'b','title':'','service':'','kind':'','source':'','origin':'pyrra','where':'','target':0.5,'method':'occurrences',"
	"'slice_ns':0,'period_ns':1,'bounds':[],'indicator':'threshold','counter':false,'raw_success':false,'compare':'<','threshold':0.0,"
	"'resolution_ns':0,'rules':[],'no_data_severity':'none','min_bad':0.0,'min_events':0.0,'corrections':[],'alert_labels':{},"
	"'recorded_ns':0,'notes':[]}]}",

	"{'event':'slos','time':'2030-01-01T00:00:00.000000000Z','source':'','at':'2029-12-31T23:59:59.000000000Z','every_ns':30000000000,'past':true,"
	"'slos':[{'id':'slo:a','state':'no-data','why':'w','since':'2030-01-01T00:00:00.000000000Z','at':'2030-01-01T00:00:00.000000000Z',"
	"'left':-0.5,'budget_ns':14,'left_ns':-7,'bad':1.5,'total':3.0,'sli':0.5,'start':'2029-12-02T00:00:00.000000000Z','end':'2262-04-11T23:47:16.854775807Z',"
	"'covered_ns':5,'excluded_ns':6,'burn':14.9,'burn_window_ns':3600000000000,'exhaustion_ns':0,'projected':0.25,"
	"'projected_at':'2030-01-02T00:00:00.000000000Z','burns':[{'window_ns':300000000000,'rate':14.9,'bad':1.0,'total':2.0,"
	"'at':'2030-01-01T00:00:00.000000000Z'},{'window_ns':3600000000000,'at':'1970-01-01T00:00:00.000000000Z'}],'rules':[{'above':true,"
	"'firing':true,'gated':true,'above_since':'2030-01-01T00:00:00.000000000Z'}],'over':true,'notes':['n']},"
	"{'id':'slo:b','state':'excluded','why':'','since':'1970-01-01T00:00:00.000000000Z','at':'1970-01-01T00:00:00.000000000Z',"
	"'budget_ns':0,'left_ns':0,'start':'1970-01-01T00:00:00.000000000Z','end':'1970-01-01T00:00:00.000000000Z','covered_ns':0,'excluded_ns':0,'burn_window_ns':0,"
	"'projected_at':'1970-01-01T00:00:00.000000000Z','burns':[],'rules':[],'over':false,'notes':[]}]}",

	"{'event':'slo-details','time':'2030-01-01T00:00:00.000000000Z','source':'','at':'2030-01-01T00:00:00.000000000Z','past':true,"
	"'slos':[{'id':'slo:a','step_ns':3600000000000,'left':[[1893456000000000000,1.0],[1893459600000000000,'NaN'],[1893463200000000000,-0.5]],"
	"'spends':[{'start':'2030-01-01T00:00:00.000000000Z','end':'2030-01-01T01:00:00.000000000Z','share':0.5,'beside':'v7'}],"
	"'held':[{'id':'c-1','share':0.25}],'rest':1.0}]}",

	"{'event':'runbooks','time':'2030-01-01T00:00:00.000000000Z','source':'','runbooks':[{'name':'rollback','title':'t','description':'d',"
	"'danger':'high','file':'/r/rollback.yaml','shipped':true,'error':'','params':[{'name':'to','title':'','type':'model-version','required':false,"
	"'default':'previous','of':'model','choices':[]},{'name':'how','title':'How','type':'enum','required':true,'choices':['a','b']}],"
	"'offer_alerts':['Spam.*'],'steps':['activate: ssh on each host'],'hosts':'group serving'}],'past':[{'run':'20300101-000000-web','runbook':'rollback',"
	"'target':'prod/spam-filter','outcome':'done','user':'me','started':'2030-01-01T00:00:00.000000000Z','ended':'1970-01-01T00:00:00.000000000Z','verified':true,'left':true}],'problems':['x.yaml:1:2: no']}",

	"{'event':'run','time':'2030-01-01T00:00:00.000000000Z','source':'','id':'20300101-000000-web','runbook':'rollback','title':'t','env':'prod',"
	"'target':'prod/spam-filter','danger':'medium','dry_run':true,'ours':true,'state':'asking','actor':'me','plan':'9c41','incident':'i',"
	"'started':'2030-01-01T00:00:00.000000000Z','ended':'1970-01-01T00:00:00.000000000Z','values':[{'name':'to','value':'6','from':'given'}],'facts':[{'name':'why 6','text':'t',"
	"'outcome':'OK'}],'columns':[{'name':'activate','kind':'ssh','phase':'closing','run_scope':true}],'batches':3,'batch':1,'max_failures':2,"
	"'next':'n','text':'t','exit':5,'question':'q','answers':['stop','undo'],'confirm_typed':true,'seq_first':512,'seq_last':9223372036854775807,"
	"'durable':true,'rows':[{'host':'web-01','batch':0,'state':'serves 6','failed':true,'cells':[{'outcome':'WOULD RUN',"
	"'started':'2030-01-01T00:00:00.000000000Z','ended':'1970-01-01T00:00:00.000000000Z','attempt':2,'text':'t','command':'c','undo':'u','intent':5,'result':6,'transport':'libssh2'}]},"
	"{'host':'','state':'','failed':false,'cells':[{'outcome':'UNVERIFIABLE','started':'1970-01-01T00:00:00.000000000Z','ended':'1970-01-01T00:00:00.000000000Z','attempt':0,'text':'','command':'',"
	"'undo':'','intent':0,'result':0,'transport':''}]}]}",

	"{'event':'run-output','time':'2030-01-01T00:00:00.000000000Z','source':'','run':'r','host':'h','column':2,'attempt':1,'out':'a\\nb','err':'e',"
	"'out_bytes':3,'err_bytes':1,'status':255,'signal':'TERM','ended':true}",

	"{'event':'incident','time':'2030-01-01T00:00:00.000000000Z','source':'','id':'20300101-0214-web','title':'t','by':'me','opened':'2030-01-01T00:00:00.000000000Z','closed':'1970-01-01T00:00:00.000000000Z'}",

	"{'event':'note','time':'2030-01-01T00:00:00.000000000Z','source':'','incident':'i','by':'me','text':'t','seq':7,'at':'2029-12-31T23:59:53.000000000Z'}",

	"{'event':'drift-defs','time':'2030-01-01T00:00:00.000000000Z','source':'','confidence':0.95,'fdr':0.05,'drifts':["
	"{'id':'drift:m:a','model':'model:m','name':'a','title':'A','kind':'prediction','data':'native','source':'p1','metric':'m{}',"
	"'missing':'x / y','version_label':'version','reference':'profile','profile':'tag:p','feature':'f','ago_ns':0,'reference_ns':0,"
	"'window_ns':3600000000000,'effect':0.1,'min_n':100.0,'severity':'ticket','where':'c.yaml:1:2'},"
	"{'id':'drift:m:b','model':'model:m','name':'b','title':'','kind':'skew','data':'categories','source':'p1','metric':'m','label':'l','trained':'t',"
	"'reference':'past','version':'previous','ago_ns':2,'reference_ns':1,'window_ns':1,'effect':0.0,'min_n':0.0,'severity':'none','where':''}]}",

	"{'event':'drifts','time':'2030-01-01T00:00:00.000000000Z','source':'','at':'2029-12-31T23:59:59.000000000Z','every_ns':60000000000,'past':true,"
	"'drifts':[{'id':'drift:m:a','state':'moving','why':'w','against':'training','at':'2030-01-01T00:00:00.000000000Z',"
	"'since':'2030-01-01T00:00:00.000000000Z','n_then':20000.0,'n_now':430.5,'missing_then':0.01,'missing_now':0.02,'p':0.5,'q':0.75,"
	"'scores':[{'measure':'psi','value':0.11,'floor':0.14,'bound':false},{'measure':'ks','bound':true}],"
	"'cells':[['-Inf',1.0,null,2.0,3.0,0.5],['NaN','NaN','de',0.0,1.0,-0.5]],'notes':['n'],'new_categories':[['de'],['fr']]},"
	"{'id':'drift:m:b','state':'few','why':'','against':'','at':'1970-01-01T00:00:00.000000000Z','since':'1970-01-01T00:00:00.000000000Z',"
	"'scores':[],'cells':[],'notes':[],'new_categories':[]}]}",

	"{'event':'drift-history','time':'2030-01-01T00:00:00.000000000Z','source':'','start':'2030-01-01T00:00:00.000000000Z','step_ns':3600000000000,"
	"'rows':[{'id':'drift:m:a','ratio':[0.5,'NaN',2.25,'+Inf']},{'id':'drift:m:b','ratio':[]}]}",

	"{'event':'timeline','time':'2030-01-01T00:00:00.000000000Z','source':'','entries':[{'at':'2030-01-01T00:00:00.000000000Z',"
	"'known':'2030-01-01T00:00:01.000000000Z','kind':'alert','end':true,'backfilled':true,'severity':'page','id':'alert:0123456789abcdef','what':'A',"
	"'text':'t','by':'b','seq':7}]}",

	"{'event':'memory','time':'2030-01-01T00:00:00.000000000Z','source':'','external':['0123456789abcdef'],'runs':['r'],'incidents':['i'],"
	"'sources':[{'name':'am','targets_down_since':'2030-01-01T00:00:00.000000000Z','rules_failing_since':'1970-01-01T00:00:00.000000000Z',"
	"'requests':[{'what':'alerts','last':'2030-01-01T00:00:00.000000000Z','last_ok':'2030-01-01T00:00:01.000000000Z',"
	"'failing_since':'2030-01-01T00:00:02.000000000Z','ok_since':'2030-01-01T00:00:03.000000000Z','failed':4}]}],"
	"'queries':[{'id':'query:a','error':'e','error_at':'2030-01-01T00:00:00.000000000Z','seen':'2030-01-01T00:00:01.000000000Z'}],"
	"'models':[{'id':'model:a','wanted':'7','previous':'6','wanted_since':'2030-01-01T00:00:00.000000000Z',"
	"'wanted_seen':'2030-01-01T00:00:01.000000000Z','moved':'2030-01-01T00:00:02.000000000Z','first':'2030-01-01T00:00:03.000000000Z',"
	"'seen':[['web-1','7',1893456000000000000,1893456001000000000,true]]},{'id':'model:b','previous':'',"
	"'wanted_since':'1970-01-01T00:00:00.000000000Z','wanted_seen':'1970-01-01T00:00:00.000000000Z','moved':'1970-01-01T00:00:00.000000000Z',"
	"'first':'1970-01-01T00:00:00.000000000Z','seen':[]}],"
	"'tracks':[{'kind':'slo','id':'slo:a','what':'a','severity':'ticket','state':1,'alert':'0123456789abcdef'}],"
	"'timeline':[{'at':'2030-01-01T00:00:00.000000000Z','known':'2030-01-01T00:00:01.000000000Z','kind':'incident','end':false,'backfilled':false,"
	"'severity':'none','id':'incident:i','what':'i','text':'t','by':'','seq':0}],'left_out':5,'left_out_until':'2030-01-01T00:00:00.000000000Z'}",

	"{'event':'focus','time':'2030-01-01T00:00:00.000000000Z','source':'','panel':'alerts','zoomed':true,'live':false,"
	"'cursor':'2030-01-01T00:00:00.000000000Z','start':'2029-12-31T23:00:00.000000000Z','end':'2030-01-01T00:00:00.000000000Z','filter':'page'}",

	"{'event':'audit-view','time':'2030-01-01T00:00:00.000000000Z','source':'','path':'/var/lib/x','records':9,'first_seq':1,'last_seq':9,"
	"'last_hash':'ab','writable':true,'why':'','open':1,'anchors':[{'kind':'head','name':'n','state':'behind','seq':3,"
	"'at':'2030-01-01T00:00:00.000000000Z','text':'6 records behind'}],'verdict':'good','verified':'2030-01-01T00:00:00.000000000Z',"
	"'verdict_text':'v','filter':'f','filter_error':'e','matching':8,'partial':true,'first':2,'rows':[{'seq':3,'at':'2030-01-01T00:00:00.000000000Z',"
	"'type':'intent','actor':'alice@web','run':'r','incident':'i','text':'t','detail':'{}','hash':'cd','open':true}]}",
	"{'event':'log-lines','time':'2030-01-01T00:00:00.000000000Z','source':'loki','want':'logs:app','streams':[{'labels':{'job':'web'},'service':'web'},"
	"{'labels':{},'service':''}],'lines':[[1893456000000000001,'a \\u0007 \\u00e9','error',1],[1893456000000000000,'','unknown',0,null,'i/1'],"
	"[1893456000000000002,'nul \\u0000 inside','info',0,'{\\\"a\\\":1}',null]],'start':'2030-01-01T00:00:00.000000000Z','end':'2030-01-01T00:00:01.000000000Z',"
	"'n_cut':3,'note':'n'}",
	"{'event':'log-view','time':'2030-01-01T00:00:00.000000000Z','source':'','query':'level:error','error':'e','partial':true,'n':2,'n_of':9,"
	"'start':'2030-01-01T00:00:00.000000000Z','step_ns':60000000000,'buckets':[[1,2,3,4,5,6,7,8]],'services':[{'name':'web','errors':3,'lines':4}],"
	"'least':true,'lines':[[1893456000000000000,'x','error','loki','web',{'a':'b'}],[1893456000000000001,'y','unknown','es','',{},'{\\\"k\\\":2}','i']]}",
	"{'event':'log-patterns','time':'2030-01-01T00:00:00.000000000Z','source':'','patterns':[{'id':7,'text':'user <*>','example':'user 1','n':2,"
	"'level':'warning','first':'2030-01-01T00:00:00.000000000Z','last':'2030-01-01T00:00:01.000000000Z','new':true,'unknown':true,'services':'web, ranker',"
	"'trend':[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23]}],'n_lines':10,'n_others':1,'new_since':'2030-01-01T00:00:00.000000000Z'}",
};

static json_t *
load(const char *text)
{
	char *copy = strdup(text);
	json_error_t err;
	json_t *json;

	for (char *p = copy; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	json = json_loads(copy, JSON_ALLOW_NUL, &err);
	if (json == NULL)
		fail_msg("%s at %d in %s", err.text, err.position, copy);
	free(copy);
	return json;
}

static void
every_kind_comes_back_as_it_went(void **state)
{
	(void)state;
	assert_int_equal(COUNT(every_kind), EVENT_KINDS);
	for (size_t i = 0; i < COUNT(every_kind); i++) {
		json_t *json = load(every_kind[i]), *back;
		struct err err = ERR_INIT;
		struct event ev;
		char *text;

		if (event_from_json(json, &ev, &err) < 0)
			fail_msg("%s", err.msg);
		assert_int_equal(ev.kind, i);
		assert_string_equal(event_kind_name(ev.kind), json_string_value(json_object_get(json, "event")));
		back = event_to_json(&ev);
		text = json_dumps(back, JSON_SORT_KEYS);
		if (!json_equal(json, back))
			fail_msg("%s", text);
		free(text);
		json_decref(back);
		json_decref(json);
		event_done(&ev);
	}
}

#define DEFS "{'event':'slo-defs','time':'2030-01-01T00:00:00Z','slos':["

/* The word names a member that has to be in the message. */
static void
says_which_member_is_wrong(void **state)
{
	static const struct {
		const char *json, *word;
	} cases[] = {
		{ "{'event':'registry','time':'2030-01-01T00:00:00Z','models':[{'name':'b'},{'name':'a'}]}", "models[1]: name" },
		{ "{'event':'audit-view','time':'2030-01-01T00:00:00Z','rows':[{'seq':2},{'seq':1}]}", "rows[1]: seq" },
		{ "{'event':'timeline','time':'2030-01-01T00:00:00Z','entries':[{'kind':'odd'}]}", "entries[0]: kind" },
		{ "{'event':'memory','time':'2030-01-01T00:00:00Z','models':[{'seen':[['web-1','7']]}]}", "models[0]: seen[0]" },
		{ "{'event':'registry','time':'2030-01-01T00:00:00Z','models':[{'aliases':[{'alias':'b'},{'alias':'a'}]}]}", "models[0]: aliases[1]: alias" },
		{ "{'event':'registry','time':'2030-01-01T00:00:00Z','models':[{'versions':[{'metrics':[['b',1,0],['a',1,0]]}]}]}", "metrics[1]: name" },
		{ "{'event':'registry','time':'2030-01-01T00:00:00Z','models':[{'versions':[{'version':7}]}]}", "versions[0]: version" },
		{ "{'event':'hosts','time':'2030-01-01T00:00:00Z','hosts':[{'name':'web-10'},{'name':'web-2'}]}", "hosts[1]: name" },
		{ "{'event':'hosts','time':'2030-01-01T00:00:00Z','hosts':[{'name':'web'},{'name':'web'}]}", "hosts[1]: name" },
		{ "[]", "event" }, { "{}", "event" }, { "{'event':'nonsense'}", "event" }, { "{'event':7}", "event" },
		{ "{'event':'alerts'}", "time" }, { "{'event':'alerts','time':'yesterday'}", "time" },
		{ "{'event':'alerts','time':'2030-01-01T00:00:00Z','source':1}", "source" },
		{ "{'event':'alerts','time':'2030-01-01T00:00:00Z','source':'a\\u0000b'}", "source" },
		{ "{'event':'alerts','time':'2030-01-01T00:00:00Z','alerts':{}}", "alerts" },
		{ "{'event':'alerts','time':'2030-01-01T00:00:00Z','alerts':[{},7]}", "alerts[1]" },
		{ "{'event':'alerts','time':'2030-01-01T00:00:00Z','alerts':[{'labels':[]}]}", "alerts[0]: labels" },
		{ "{'event':'alerts','time':'2030-01-01T00:00:00Z','alerts':[{'labels':{'a':1}}]}", "labels" },
		{ "{'event':'alerts','time':'2030-01-01T00:00:00Z','alerts':[{'labels':{'a':'b\\u0000c'}}]}", "labels" },
		{ "{'event':'alerts','time':'2030-01-01T00:00:00Z','alerts':[{'state':'odd'}]}", "state" },
		{ "{'event':'alerts','time':'2030-01-01T00:00:00Z','alerts':[{'name':null}]}", "name" },
		{ "{'event':'alerts','time':'2030-01-01T00:00:00Z','alerts':[{'silenced_by':[1]}]}", "silenced_by" },
		{ "{'event':'alerts','time':'2030-01-01T00:00:00Z','alerts':[{'since':5}]}", "since" },
		{ "{'event':'targets','time':'2030-01-01T00:00:00Z','n_up':-1}", "n_up" },
		{ "{'event':'targets','time':'2030-01-01T00:00:00Z','n_up':1.5}", "n_up" },
		{ "{'event':'markers','time':'2030-01-01T00:00:00Z','markers':[{'n_series':4294967296}]}", "n_series" },
		{ "{'event':'source-report','time':'2030-01-01T00:00:00Z','ok':1}", "ok" },
		{ "{'event':'series','time':'2030-01-01T00:00:00Z','series':[{'samples':[[1]]}]}", "samples[0]" },
		{ "{'event':'series','time':'2030-01-01T00:00:00Z','series':[{'samples':[[1,2,3]]}]}", "samples[0]" },
		{ "{'event':'series','time':'2030-01-01T00:00:00Z','series':[{'samples':[[1,'nan']]}]}", "value" },
		{ "{'event':'series','time':'2030-01-01T00:00:00Z','series':[{'samples':[7]}]}", "samples[0]" },
		{ "{'event':'series','time':'2030-01-01T00:00:00Z','series':[{},{'samples':[[2,1],[1,1]]}]}", "series[1]: samples[1]" },
		{ "{'event':'series','time':'2030-01-01T00:00:00Z','series':[{'samples':[[1,1],[2,1],[2,1]]}]}", "series[0]: samples[2]" },
		{ "{'event':'series','time':'2030-01-01T00:00:00Z','series':[{'histograms':[[2,1,1,[]],[1,1,1,[]]]}]}", "histograms[1]" },
		{ "{'event':'markers','time':'2030-01-01T00:00:00Z','markers':[{'at':'2030-01-01T00:00:01Z'},{'at':'2030-01-01T00:00:00Z'}]}",
		    "markers[1]" },
		{ DEFS "{'id':'slo:a'}]}", "slos[0]: target" },
		{ DEFS "{'target':1}]}", "slos[0]: target" },
		{ DEFS "{'target':'NaN'}]}", "slos[0]: target" },
		{ DEFS "{'target':0.5}]}", "slos[0]: period_ns" },
		{ DEFS "{'target':0.5,'period_ns':1,'method':'timeslices'}]}", "slos[0]: slice_ns" },
		{ DEFS "{'target':0.5,'period_ns':1},{'target':0.5,'period_ns':1}]}", "slos[1]: id" },
		{ DEFS "{'id':'b','target':0.5,'period_ns':1},{'id':'a','target':0.5,'period_ns':1}]}", "slos[1]: id" },
		{ DEFS "{'target':0.5,'period_ns':1,'bounds':7}]}", "bounds" },
		{ DEFS "{'target':0.5,'period_ns':1,'bounds':[7]}]}", "bounds" },
		{ DEFS "{'target':0.5,'period_ns':1,'bounds':['2030-01-01T00:00:00Z','2030-01-01T00:00:00Z']}]}", "slos[0]: bounds[1]" },
		{ DEFS "{'target':0.5,'period_ns':1,'rules':[{'factor':1}]}]}", "slos[0]: rules[0]" },
		{ DEFS "{'target':0.5,'period_ns':1,'rules':[{'factor':'NaN','long_ns':1}]}]}", "slos[0]: rules[0]" },
		{ DEFS "{'target':0.5,'period_ns':1,'corrections':[{'start':'2030-01-01T00:00:00Z'},{'start':'2029-01-01T00:00:00Z'}]}]}",
		    "slos[0]: corrections[1]" },
		{ "{'event':'slos','time':'2030-01-01T00:00:00Z','slos':[{'burns':[{'window_ns':2},{'window_ns':1}]}]}", "slos[0]: burns[1]" },
		{ "{'event':'slos','time':'2030-01-01T00:00:00Z','slos':[{'exhaustion_ns':'never'}]}", "exhaustion_ns" },
		{ "{'event':'slos','time':'2030-01-01T00:00:00Z','slos':[{'state':'odd'}]}", "state" },
		{ "{'event':'slo-details','time':'2030-01-01T00:00:00Z','slos':[{'left':[[1,1],[1,1]]}]}", "slos[0]: left[1]" },
		{ "{'event':'run','time':'2030-01-01T00:00:00Z','columns':[{}],'rows':[{'cells':[{}]},{'cells':[{},{}]}]}", "rows[1]: cells" },
		{ "{'event':'run','time':'2030-01-01T00:00:00Z','columns':[{}],'rows':[{'cells':[{'outcome':'done'}]}]}", "rows[0]: cells[0]: outcome" },
		{ "{'event':'run','time':'2030-01-01T00:00:00Z','rows':{}}", "rows" },
		{ "{'event':'run','time':'2030-01-01T00:00:00Z','exit':-1}", "exit" },
		{ "{'event':'run','time':'2030-01-01T00:00:00Z','exit':2147483648}", "exit" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		json_t *json = load(cases[i].json);
		struct err err = ERR_INIT;
		struct event ev;

		assert_int_equal(event_from_json(json, &ev, &err), ERR_INVALID);
		if (!str_contains(err.msg, cases[i].word))
			fail_msg("%s: %s", cases[i].json, err.msg);
		json_decref(json);
	}
}

/* Any two of them can be subtracted, and a length added. */
static void
times_are_kept_within_reach(void **state)
{
	struct event ev = feed_event(0, "{'event':'alerts','alerts':[{'since':'0001-01-01T00:00:00Z','updated':'1700-01-01T00:00:00Z',"
	    "'ends':'9999-12-31T23:59:59Z'},{'since':'2200-01-01T00:00:00Z'}]}");
	const struct alert *v = ((const struct alert_set *)ev.block)->v;
	json_t *json = load("{'event':'series','time':'0001-01-01T00:00:00Z','step_ns':9223372036854775807,"
	    "'series':[{'samples':[[-9223372036854775808,1],[0,1]]}]}");
	const struct series_set *set;

	(void)state;
	assert_true(v[0].since_ns == -CLOCK_FAR_NS);
	assert_true(v[0].updated_ns == -CLOCK_FAR_NS);
	assert_true(v[0].ends_ns == INT64_MAX);	/* no end */
	assert_true(v[1].since_ns == CLOCK_FAR_NS);
	event_done(&ev);
	assert_int_equal(event_from_json(json, &ev, NULL), 0);
	set = ev.block;
	assert_true(ev.time_ns == -CLOCK_FAR_NS);
	assert_true(set->step_ns == CLOCK_FAR_NS && set->v[0].v[0].t_ns == -CLOCK_FAR_NS);
	event_done(&ev);
	json_decref(json);
}

/* "Never" is not a very long time: it stays what it is, and so does the end of a calendar without one. */
static void
never_stays_never(void **state)
{
	struct event ev = feed_event(0, "{'event':'slos','slos':[{},{'exhaustion_ns':9223372036854775807,'end':'9999-12-31T23:59:59Z'},"
	    "{'exhaustion_ns':9223372036854775806},{'exhaustion_ns':-1}]}");
	const struct slo *v = ((const struct slo_set *)ev.block)->v;

	(void)state;
	assert_true(v[0].exhaustion_ns == INT64_MAX);
	assert_true(v[1].exhaustion_ns == INT64_MAX && v[1].end_ns == INT64_MAX);
	assert_true(v[2].exhaustion_ns == CLOCK_FAR_NS);
	assert_true(v[3].exhaustion_ns == -1);
	assert_true(isnan(v[0].left) && isnan(v[0].burn) && isnan(v[0].projected));
	assert_int_equal(v[0].state, SLO_PAGE);		/* the first word, as everywhere */
	event_done(&ev);
}

static void
missing_members_are_zero_and_unknown_ones_ignored(void **state)
{
	struct event ev = feed_event(0, "{'event':'environment','tomorrow':[1],'queries':[{'id':'query:x'}]}");
	const struct environment *env = ev.block;

	(void)state;
	assert_string_equal(env->name, "");
	assert_string_equal(env->queries[0].title, "");
	assert_true(isnan(env->queries[0].objective));
	assert_string_equal(ev.source, "");
	event_done(&ev);
	ev = feed_event(0, "{'event':'alerts','alerts':[{}]}");
	assert_null(((const struct alert_set *)ev.block)->v[0].fingerprint);
	assert_string_equal(((const struct alert_set *)ev.block)->v[0].name, "");
	event_done(&ev);
}

/* Text that is not UTF-8 cannot be JSON: it is written as it would be shown. */
static void
text_that_is_not_utf8_is_escaped(void **state)
{
	struct operation *op = block_new(sizeof *op);
	struct event ev;
	json_t *json;

	(void)state;
	op->id = "1";
	op->verb = "ack";
	op->object = "\xff";
	op->text = NULL;
	event_init(&ev, EVENT_OPERATION, T0, "am", op);
	json = event_to_json(&ev);
	assert_string_equal(json_string_value(json_object_get(json, "object")), "\\xFF");
	assert_string_equal(json_string_value(json_object_get(json, "text")), "");
	json_decref(json);
	event_done(&ev);
}

static void
blocks_are_shared_and_counted(void **state)
{
	struct operation *op = block_new(sizeof *op);
	size_t empty = block_bytes(op);

	(void)state;
	assert_true(empty >= sizeof *op);
	assert_ptr_equal(block_ref(op), op);
	op->id = arena_strdup(&op->block.arena, "some id");
	assert_true(block_bytes(op) > empty);
	block_unref(op);
	assert_string_equal(op->id, "some id");
	block_unref(op);
	block_unref(NULL);
	assert_null(block_ref(NULL));
	assert_int_equal(block_bytes(NULL), 0);
}

static void
labels_compare_by_name_and_value(void **state)
{
	static const struct label ab[] = { { "a", "1" }, { "b", "2" } }, abc[] = { { "a", "1" }, { "b", "2" }, { "c", "3" } };
	static const struct label ac[] = { { "a", "1" }, { "c", "2" } }, joined[] = { { "a", "1b" }, { "", "2" } };
	const struct labels l_ab = { 2, ab }, l_abc = { 3, abc }, l_ac = { 2, ac }, none = { 0, NULL }, l_joined = { 2, joined };

	(void)state;
	assert_true(labels_within(&l_ab, &l_abc));
	assert_true(labels_within(&none, &l_abc));
	assert_false(labels_within(&l_abc, &l_ab));
	assert_false(labels_within(&l_ac, &l_abc));
	assert_true(labels_equal(&l_ab, &l_ab));
	assert_false(labels_equal(&l_ab, &l_ac));
	assert_string_equal(labels_get(&l_abc, "c"), "3");
	assert_null(labels_get(&l_abc, "d"));
	assert_null(labels_get(&none, "d"));
	assert_true(labels_compare(&l_ab, &l_abc) < 0);
	assert_true(labels_compare(&l_ac, &l_abc) > 0);
	assert_int_equal(labels_compare(&none, &none), 0);
	assert_true(labels_hash(&l_ab) != labels_hash(&l_joined));
	assert_true(labels_hash(&l_ab) == labels_hash(&(struct labels){ 2, abc }));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_comes_back_as_it_went),
		cmocka_unit_test(says_which_member_is_wrong),
		cmocka_unit_test(times_are_kept_within_reach),
		cmocka_unit_test(never_stays_never),
		cmocka_unit_test(missing_members_are_zero_and_unknown_ones_ignored),
		cmocka_unit_test(text_that_is_not_utf8_is_escaped),
		cmocka_unit_test(blocks_are_shared_and_counted),
		cmocka_unit_test(labels_compare_by_name_and_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

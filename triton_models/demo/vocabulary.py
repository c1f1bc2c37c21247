"""Words for what is in no picture: the absent vocabulary of training and, apart from it, of evaluation.

A hand-written table of everyday things in English and Chinese, and the most frequent
words of both languages from the package wordfreq. HELD_OUT is never trained on.
"""

import functools

import catalogue

# English=Chinese. A word without Chinese stands alone.
EVERYDAY = """
car=汽车 bridge=桥 dog=狗 cat=猫 laptop=笔记本电脑 mountain=山 horse=马 house=房子 tree=树 river=河 street=街道 person=人
man=男人 woman=女人 child=孩子 baby=婴儿 boy=男孩 girl=女孩 face=脸 hand=手 bus=公共汽车 train=火车 bicycle=自行车
motorcycle=摩托车 truck=卡车 boat=船 ship=轮船 airport=机场 station=车站 road=公路 building=大楼 tower=塔 church=教堂
temple=寺庙 castle=城堡 school=学校 hospital=医院 office=办公室 factory=工厂 kitchen=厨房 bedroom=卧室 bathroom=浴室
chair=椅子 table=桌子 sofa=沙发 bed=床 lamp=灯 window=窗户 door=门 wall=墙 floor=地板 roof=屋顶 computer=电脑 phone=手机
television=电视 camera=相机 keyboard=键盘 mouse=老鼠 screen=屏幕 book=书 newspaper=报纸 letter=信 pen=钢笔 pencil=铅笔
paper=纸 bag=包 suitcase=行李箱 umbrella=雨伞 shoe=鞋子 shirt=衬衫 dress=裙子 trousers=裤子 hat=帽子 jacket=夹克 glasses=眼镜
ring=戒指 necklace=项链 key=钥匙 clock=时钟 knife=刀 fork=叉子 spoon=勺子 plate=盘子 cup=杯子 bottle=瓶子 glass=玻璃杯
ball=球 football=足球 basketball=篮球 tennis=网球 swimming=游泳 running=跑步 bird=鸟 fish=鱼 cow=牛 sheep=羊 pig=猪
chicken=鸡 duck=鸭子 elephant=大象 lion=狮子 tiger=老虎 bear=熊 monkey=猴子 rabbit=兔子 snake=蛇 frog=青蛙 bee=蜜蜂
butterfly=蝴蝶 spider=蜘蛛 ant=蚂蚁 shark=鲨鱼 whale=鲸鱼 dolphin=海豚 penguin=企鹅 giraffe=长颈鹿 zebra=斑马 panda=熊猫
sun=太阳 moon=月亮 star=星星 sky=天空 cloud=云 rain=雨 snow=雪 ice=冰 fire=火 water=水 sea=大海 lake=湖 beach=海滩
desert=沙漠 forest=森林 island=岛屿 garden=花园 park=公园 field=田野 grass=草地 flower=花 rose=玫瑰 leaf=叶子 wood=木头
stone=石头 sand=沙子 gold=黄金 silver=银 iron=铁 money=钱 coin=硬币 market=集市 restaurant=餐馆 hotel=酒店 museum=博物馆
library=图书馆 theatre=剧院 stadium=体育场 city=城市 village=村庄 map=地图 flag=旗帜 sign=标志 guitar=吉他 piano=钢琴
drum=鼓 violin=小提琴 music=音乐 movie=电影 painting=油画 statue=雕像 toy=玩具 doll=娃娃 game=游戏 gun=枪 sword=剑
soldier=士兵 doctor=医生 nurse=护士 teacher=老师 student=学生 police=警察 king=国王 queen=女王 wedding=婚礼 party=派对
birthday=生日 christmas=圣诞节 dancing=跳舞 singing=唱歌 sleeping=睡觉 reading=阅读 cooking=烹饪 bread=面包 cake=蛋糕
pizza=披萨 hamburger=汉堡包 sandwich=三明治 noodles=面条 rice=米饭 dumplings=饺子 soup=汤 meat=肉 beef=牛肉 pork=猪肉
egg=鸡蛋 cheese=奶酪 milk=牛奶 butter=黄油 coffee=咖啡 tea=茶 beer=啤酒 wine=葡萄酒 sugar=糖 salt=盐 chocolate=巧克力
ice-cream=冰淇淋 cookie=饼干 strawberry=草莓 raspberry=树莓 blackberry=黑莓 coconut=椰子 durian=榴莲 pumpkin=南瓜 broccoli=西兰花
cauliflower=花椰菜 spinach=菠菜 lettuce=生菜 celery=芹菜 corn=玉米 peas=豌豆 beans=豆子 radish=樱桃萝卜 tofu=豆腐 peanut=花生
walnut=核桃 almond=杏仁 dragonfruit=火龙果 starfruit=杨桃 fig=无花果 date=枣 olive=橄榄 cranberry=蔓越莓 persimmon=柿子 jackfruit=菠萝蜜
shrimp=虾 crab=螃蟹 lobster=龙虾 sausage=香肠 bacon=培根 engine=发动机 wheel=轮子 tire=轮胎 robot=机器人 rocket=火箭
satellite=卫星 planet=行星 earth=地球 skyscraper=摩天大楼 subway=地铁 taxi=出租车 ambulance=救护车 helicopter=直升机 tractor=拖拉机
crane=起重机 bulldozer=推土机 traffic-light=红绿灯 fence=栅栏 gate=大门 stairs=楼梯 elevator=电梯 mirror=镜子 carpet=地毯 curtain=窗帘
pillow=枕头 blanket=毯子 towel=毛巾 toothbrush=牙刷 soap=肥皂 shampoo=洗发水 refrigerator=冰箱 oven=烤箱 microwave=微波炉
washing-machine=洗衣机 vacuum-cleaner=吸尘器 fan=风扇 air-conditioner=空调 heater=暖气 candle=蜡烛 box=盒子 basket=篮子 bucket=桶
rope=绳子 hammer=锤子 screwdriver=螺丝刀 nail=钉子 saw=锯子 drill=电钻 ladder=梯子 scissors=剪刀 needle=针 button=纽扣
wallet=钱包 watch=手表 belt=皮带 gloves=手套 socks=袜子 scarf=围巾 tie=领带 backpack=背包 tent=帐篷 camp=营地 skis=滑雪板
skateboard=滑板 surfboard=冲浪板 golf=高尔夫 baseball=棒球 volleyball=排球 boxing=拳击 chess=国际象棋 cards=扑克牌 dice=骰子 puzzle=拼图
balloon=气球 kite=风筝 swing=秋千 playground=游乐场 zoo=动物园 farm=农场 barn=谷仓 windmill=风车 lighthouse=灯塔 harbor=港口
waterfall=瀑布 volcano=火山 cave=山洞 valley=山谷 glacier=冰川 sunset=日落 rainbow=彩虹 lightning=闪电 storm=暴风雨 fog=雾
tooth=牙齿 eye=眼睛 ear=耳朵 nose=鼻子 hair=头发 foot=脚 arm=手臂 heart=心脏 bone=骨头 blood=血 skeleton=骷髅 medicine=药
x-ray=X光片 syringe=注射器 document=文件 screenshot=截图 diagram=图表 logo=商标 selfie=自拍 portrait=肖像 landscape=风景 crowd=人群
""".split()

# Evaluation only: no word of it may reach training.
HELD_OUT_EN = (
    "aeroplane fountain squirrel bookshelf trumpet sailboat parrot snowman typewriter donkey "
    "motorway kangaroo printer canoe wardrobe astronaut turtle cathedral headphones crocodile "
    "teapot firefighter carousel microscope owl sculpture wheelchair goat hedgehog accordion "
    "pyramid tram ballerina envelope bathtub dragonfly telescope scooter fireworks tank"
).split()
HELD_OUT_ZH = "飞机 喷泉 松鼠 书架 小号 帆船 鹦鹉 雪人 打字机 驴 高速公路 袋鼠 打印机 独木舟 衣柜 宇航员 乌龟 耳机 鳄鱼 茶壶 消防员 显微镜 猫头鹰 轮椅 山羊 刺猬 金字塔 电车 信封 浴缸 蜻蜓 望远镜 烟花 坦克".split()

# Characters that name what is in the pictures: a Chinese word holding one is not pushed away.
FOOD_CHARACTERS = set("果桃梨瓜姜薑蒜葱蔥橙橘桔柑柠檸檬莓葡萄樱櫻椒茄菜菇蘑豆薯芋笋筍蕉杏李梅榴莲荔枝红紅绿綠黄黃紫棕褐白色粉蓝藍黑菠萝蘿凤鳳杧芒柚蔬食青枣货架超市")


def everyday():
    """(English, Chinese or "") pairs of the table."""
    for entry in EVERYDAY:
        english, _, chinese = entry.partition("=")
        yield english.replace("-", " "), chinese


@functools.cache
def present_words():
    """Every single English word that occurs in a name, a colour or a kind."""
    names = [entry[0] for entry in (*catalogue.COARSE.values(), *catalogue.KINDS.values(), *catalogue.COLOURS.values())]
    names += [entry[1] for entry in catalogue.FINE.values()]
    words = set()
    for name in names:
        words.update(name.replace(";", " ").replace(",", " ").replace("-", " ").split())
    return words - {"of", "on", "the", "head", "heads"}


@functools.cache
def present_names_zh():
    entries = [e[1] for e in (*catalogue.COARSE.values(), *catalogue.KINDS.values(), *catalogue.COLOURS.values())]
    entries += [entry[2] for entry in catalogue.FINE.values()]
    return {name for entry in entries for name in entry.split()}


def frequent(language, count):
    """The most frequent words that name nothing in the pictures and are not held out."""
    import wordfreq

    words = wordfreq.top_n_list(language, count)
    if language == "zh":
        held = set(HELD_OUT_ZH)
        return [w for w in words if not FOOD_CHARACTERS & set(w) and not any(h in w for h in held)
                and any("\u4e00" <= c <= "\u9fff" for c in w)]
    held = {form for word in HELD_OUT_EN for form in (word, word + "s", word + "es")}
    return [w for w in words if w.isascii() and w.isalpha() and len(w) > 2 and w not in present_words() and w not in held]

"""What can be in the pictures: the classes with their names, colours and kinds, in English and Chinese.

The photo classes are those of the Grocery Store data set that lie in its fruit and
vegetable folders; the rest is known from rendered pictures only. A caption asks for
tags and a picture carries tags, so this table decides which caption fits which picture.
"""

import dataclasses

# Colour: English words, Chinese words. The first English word is the tag.
COLOURS = {
    "red": ("red", "红色的 红色 红 紅色的"),
    "green": ("green", "绿色的 绿色 绿 青 綠色的"),
    "yellow": ("yellow", "黄色的 黄色 黄 黃色的"),
    "orange": ("orange-coloured", "橙色的 橙色 橘色的"),
    "purple": ("purple,violet", "紫色的 紫色 紫"),
    "brown": ("brown", "棕色的 褐色的 棕色"),
    "white": ("white", "白色的 白色 白"),
    "pink": ("pink", "粉红色的 粉色的"),
    "blue": ("blue", "蓝色的 蓝色 蓝"),
    "black": ("black", "黑色的 黑色 黑"),
}

# Kind of thing: English phrases (singular;plural pairs divided by commas), Chinese words.
KINDS = {
    "fruit": ("fruit;fruits,fresh fruit", "水果 新鲜水果 果子"),
    "vegetable": ("vegetable;vegetables,veggies,fresh vegetables", "蔬菜 青菜 新鲜蔬菜"),
    "citrus": ("citrus,citrus fruit;citrus fruits", "柑橘 柑橘类水果 柑橘类"),
    "berry": ("berry;berries", "浆果 莓果"),
    "melon": ("melon;melons", "瓜 甜瓜 蜜瓜"),
    "tropical": ("tropical fruit;tropical fruits,exotic fruit;exotic fruits", "热带水果"),
    "stone": ("stone fruit;stone fruits", "核果"),
    "root": ("root vegetable;root vegetables", "根茎类蔬菜 根菜"),
}

# Coarse class: English names, Chinese names, kinds.
COARSE = {
    "apple": ("apple;apples", "苹果 蘋果", "fruit"),
    "avocado": ("avocado;avocados,avocado pear", "牛油果 鳄梨 酪梨", "fruit tropical"),
    "banana": ("banana;bananas,bunch of bananas", "香蕉 芭蕉", "fruit tropical"),
    "kiwi": ("kiwi;kiwis,kiwi fruit;kiwi fruits,kiwifruit", "猕猴桃 奇异果 獼猴桃 奇異果", "fruit tropical"),
    "lemon": ("lemon;lemons", "柠檬 黄柠檬 檸檬", "fruit citrus"),
    "lime": ("lime;limes", "青柠 青柠檬 莱姆 酸橙 绿柠檬", "fruit citrus"),
    "mango": ("mango;mangoes,mangos", "芒果 杧果", "fruit tropical"),
    "melon": ("melon;melons", "甜瓜 瓜 蜜瓜 瓜类 香瓜", "fruit melon"),
    "nectarine": ("nectarine;nectarines", "油桃", "fruit stone"),
    "orange": ("orange;oranges,orange fruit;orange fruits", "橙子 橙 甜橙 脐橙 柳橙", "fruit citrus"),
    "papaya": ("papaya;papayas,pawpaw;pawpaws", "木瓜 番木瓜", "fruit tropical"),
    "passion fruit": ("passion fruit;passion fruits,passionfruit,maracuja", "百香果 西番莲", "fruit tropical"),
    "peach": ("peach;peaches", "桃子 桃 水蜜桃", "fruit stone"),
    "pear": ("pear;pears", "梨 梨子 雪梨", "fruit"),
    "pineapple": ("pineapple;pineapples,ananas", "菠萝 凤梨 鳳梨 菠蘿", "fruit tropical"),
    "plum": ("plum;plums", "李子 梅子 西梅 布林", "fruit stone"),
    "pomegranate": ("pomegranate;pomegranates", "石榴", "fruit"),
    "red grapefruit": ("grapefruit;grapefruits,red grapefruit;red grapefruits,pink grapefruit,ruby grapefruit",
                       "葡萄柚 西柚 红西柚 红葡萄柚 红心西柚 柚子", "fruit citrus"),
    "satsuma": ("satsuma;satsumas,mandarin;mandarins,tangerine;tangerines,clementine;clementines,mandarin orange",
                "橘子 桔子 蜜橘 柑橘 蜜柑 小橘子 砂糖橘 温州蜜柑 橘", "fruit citrus"),
    "asparagus": ("asparagus,asparagus spears,green asparagus", "芦笋 蘆筍", "vegetable"),
    "aubergine": ("aubergine;aubergines,eggplant;eggplants,brinjal", "茄子 茄", "vegetable"),
    "cabbage": ("cabbage;cabbages,white cabbage,head of cabbage", "卷心菜 包菜 圆白菜 洋白菜 白菜 甘蓝 高丽菜", "vegetable"),
    "carrot": ("carrot;carrots", "胡萝卜 红萝卜 萝卜 紅蘿蔔", "vegetable root"),
    "cucumber": ("cucumber;cucumbers", "黄瓜 青瓜 黃瓜", "vegetable"),
    "garlic": ("garlic,garlic bulb;garlic bulbs,garlic cloves,heads of garlic", "大蒜 蒜 蒜头", "vegetable"),
    "ginger": ("ginger,ginger root;ginger roots,fresh ginger,root ginger", "姜 生姜 老姜 薑", "vegetable root"),
    "leek": ("leek;leeks", "韭葱 大葱 葱 蒜苗", "vegetable"),
    "mushroom": ("mushroom;mushrooms", "蘑菇 香菇 菇 蘑菇类", "vegetable"),
    "onion": ("onion;onions", "洋葱 葱头 洋蔥", "vegetable"),
    "pepper": ("pepper;peppers,bell pepper;bell peppers,sweet pepper;sweet peppers,capsicum;capsicums,paprika",
               "甜椒 彩椒 辣椒 柿子椒 灯笼椒", "vegetable"),
    "potato": ("potato;potatoes", "土豆 马铃薯 洋芋 薯 馬鈴薯", "vegetable root"),
    "red beet": ("beetroot;beetroots,beet;beets,red beet;red beets", "甜菜根 甜菜 红菜头 甜菜头 紅菜頭", "vegetable root"),
    "tomato": ("tomato;tomatoes", "番茄 西红柿 蕃茄", "vegetable"),
    "zucchini": ("zucchini;zucchinis,courgette;courgettes", "西葫芦 夏南瓜 角瓜 翠玉瓜", "vegetable"),
    # Known from rendered pictures only.
    "apricot": ("apricot;apricots", "杏子 杏", "fruit stone"),
    "blueberry": ("blueberry;blueberries", "蓝莓 藍莓", "fruit berry"),
    "cherry": ("cherry;cherries", "樱桃 车厘子 櫻桃", "fruit stone"),
    "grape": ("grape;grapes,bunch of grapes", "葡萄 提子", "fruit"),
    "litchi": ("litchi;litchis,lychee;lychees", "荔枝", "fruit tropical"),
    "citrus": ("citrus fruit;citrus fruits", "柑橘类", "fruit citrus"),
}

# Grocery's fine class: coarse class, English names, Chinese names, colours seen, colours perhaps seen.
# Names left empty are those of the coarse class.
FINE = {
    "Golden-Delicious": ("apple", "golden delicious,golden delicious apple;golden delicious apples",
                         "金冠苹果 黄苹果 黄元帅 金帅苹果", "yellow", "green"),
    "Granny-Smith": ("apple", "granny smith,granny smith apple;granny smith apples", "青苹果 绿苹果 澳洲青苹", "green", ""),
    "Pink-Lady": ("apple", "pink lady,pink lady apple;pink lady apples", "粉红女士苹果 粉佳人苹果 粉红佳人", "pink red", "yellow green"),
    "Red-Delicious": ("apple", "red delicious,red delicious apple;red delicious apples,dark red apple", "蛇果 红蛇果 红元帅 地厘蛇果", "red", "purple"),
    "Royal-Gala": ("apple", "royal gala,royal gala apple;royal gala apples,gala apple;gala apples", "嘎啦苹果 加拉苹果 皇家嘎啦", "red", "yellow orange pink"),
    "Avocado": ("avocado", "", "", "green", "black purple brown"),
    "Banana": ("banana", "", "", "yellow", "green"),
    "Kiwi": ("kiwi", "", "", "brown", "green"),
    "Lemon": ("lemon", "", "", "yellow", ""),
    "Lime": ("lime", "", "", "green", ""),
    "Mango": ("mango", "", "", "", "green red yellow orange"),
    "Cantaloupe": ("melon", "cantaloupe;cantaloupes,cantaloupe melon;cantaloupe melons,muskmelon", "哈密瓜 网纹瓜 网纹甜瓜 坎塔洛普甜瓜", "", "orange yellow green brown white"),
    "Galia-Melon": ("melon", "galia melon;galia melons,galia", "加利亚甜瓜 加利亚蜜瓜 伽利亚瓜", "", "yellow orange green brown"),
    "Honeydew-Melon": ("melon", "honeydew melon;honeydew melons,honeydew,yellow melon", "白兰瓜 蜜露瓜 蜜瓜 黄金瓜 黄蜜瓜", "yellow", ""),
    "Watermelon": ("melon", "watermelon;watermelons,water melon", "西瓜", "green", ""),
    "Nectarine": ("nectarine", "", "", "red", "yellow orange purple"),
    "Orange": ("orange", "", "", "orange", "yellow"),
    "Papaya": ("papaya", "", "", "", "green yellow orange"),
    "Passion-Fruit": ("passion fruit", "", "", "purple", "brown red black"),
    "Peach": ("peach", "", "", "red", "orange yellow pink purple"),
    "Anjou": ("pear", "anjou,anjou pear;anjou pears", "安茹梨 安琪梨", "green", "yellow"),
    "Conference": ("pear", "conference,conference pear;conference pears", "康佛伦斯梨 会议梨", "green", "yellow brown"),
    "Kaiser": ("pear", "kaiser,kaiser pear;kaiser pears", "凯撒梨 皇帝梨", "brown", "yellow orange"),
    "Pineapple": ("pineapple", "", "", "", "yellow green brown orange"),
    "Plum": ("plum", "", "", "purple", "red black blue"),
    "Pomegranate": ("pomegranate", "", "", "red", "pink yellow"),
    "Red-Grapefruit": ("red grapefruit", "", "", "orange", "red yellow pink"),
    "Satsumas": ("satsuma", "", "", "orange", "yellow"),
    "Asparagus": ("asparagus", "", "", "green", "purple"),
    "Aubergine": ("aubergine", "", "", "purple", "black"),
    "Cabbage": ("cabbage", "", "", "green", "white"),
    "Carrots": ("carrot", "", "", "orange", ""),
    "Cucumber": ("cucumber", "", "", "green", ""),
    "Garlic": ("garlic", "", "", "white", "pink purple"),
    "Ginger": ("ginger", "", "", "brown", "yellow"),
    "Leek": ("leek", "", "", "green white", ""),
    "Brown-Cap-Mushroom": ("mushroom", "brown cap mushroom;brown cap mushrooms,chestnut mushroom;chestnut mushrooms,brown mushroom,cremini",
                           "棕色蘑菇 褐菇 栗蘑菇 褐蘑菇", "brown", "white"),
    "Yellow-Onion": ("onion", "yellow onion;yellow onions,brown onion", "黄洋葱 黄皮洋葱", "yellow brown", "orange"),
    "Green-Bell-Pepper": ("pepper", "green bell pepper;green bell peppers,green pepper;green peppers,green capsicum,green paprika",
                          "青椒 绿甜椒 绿彩椒 绿椒", "green", ""),
    "Orange-Bell-Pepper": ("pepper", "orange bell pepper;orange bell peppers,orange pepper;orange peppers,orange capsicum,orange paprika",
                           "橙椒 橙色甜椒 橙甜椒 橙彩椒", "orange", ""),
    "Red-Bell-Pepper": ("pepper", "red bell pepper;red bell peppers,red pepper;red peppers,red capsicum,red paprika",
                        "红椒 红甜椒 红彩椒 红色甜椒", "red", ""),
    "Yellow-Bell-Pepper": ("pepper", "yellow bell pepper;yellow bell peppers,yellow pepper;yellow peppers,yellow capsicum,yellow paprika",
                           "黄椒 黄甜椒 黄彩椒 黄色甜椒", "yellow", ""),
    "Floury-Potato": ("potato", "floury potato;floury potatoes,mealy potato,baking potato", "粉质土豆 面土豆 粉土豆 粉质马铃薯", "brown", "yellow white"),
    "Solid-Potato": ("potato", "solid potato;solid potatoes,firm potato,waxy potato", "硬质土豆 蜡质土豆 脆土豆 硬土豆", "", "yellow brown white"),
    "Sweet-Potato": ("potato", "sweet potato;sweet potatoes,yam;yams", "红薯 地瓜 番薯 甘薯 红苕", "", "brown red orange purple"),
    "Red-Beet": ("red beet", "", "", "", "red purple brown"),
    "Beef-Tomato": ("tomato", "beef tomato;beef tomatoes,beefsteak tomato;beefsteak tomatoes,large tomato", "牛排番茄 大番茄 牛番茄", "red", ""),
    "Regular-Tomato": ("tomato", "regular tomato;regular tomatoes,round tomato,salad tomato,ordinary tomato", "普通番茄 普通西红柿 圆番茄", "red", "orange"),
    "Vine-Tomato": ("tomato", "vine tomato;vine tomatoes,tomatoes on the vine,truss tomato", "串番茄 藤番茄 串收番茄 带藤番茄", "red", "orange"),
    "Zucchini": ("zucchini", "", "", "green", ""),
}


@dataclasses.dataclass(frozen=True)
class Content:
    """What a picture shows: tags it surely carries, and tags that may be true of it."""

    tags: frozenset
    perhaps: frozenset = frozenset()


def photo(name):
    """The content of a photo of one of Grocery's fine classes."""
    coarse, _, _, sure, perhaps = FINE[name]
    tags = {f"fine:{name}", f"coarse:{coarse}", *(f"colour:{c}" for c in sure.split()), *kinds(coarse)}
    return Content(frozenset(tags), frozenset(f"colour:{c}" for c in perhaps.split()))


def kinds(coarse):
    return {f"kind:{kind}" for kind in COARSE[coarse][2].split()}

"""Short texts on two subjects, football and the kitchen, in eight languages and six scripts."""

TEXTS = {
    "de": (
        [
            "Die Nationalmannschaft gewann das Endspiel der Weltmeisterschaft im Elfmeterschießen.",
            "Der Trainer der Nationalmannschaft lobte den Torwart nach dem Endspiel.",
            "Im Stadion sahen die Zuschauer, wie der Torwart den Elfmeter hielt.",
            "Die Weltmeisterschaft endet mit dem Endspiel, und das Stadion ist ausverkauft.",
        ],
        [
            "Für die Suppe werden Zwiebeln und Knoblauch in Olivenöl gebraten.",
            "Das Rezept für den Kuchen verlangt Mehl, Zucker, Butter und drei Eier.",
            "Man gibt Knoblauch und Olivenöl zu den Tomaten, wie es das Rezept sagt.",
            "Der Kuchen wird mit Butter und Zucker gebacken, das Rezept ist alt.",
        ],
    ),
    "es": (
        [
            "La selección nacional ganó la final de la copa del mundo en los penales.",
            "El entrenador de la selección nacional felicitó al portero después de la final.",
            "En el estadio el público vio cómo el portero paró el penal.",
            "La copa del mundo termina con la final y el estadio está lleno.",
        ],
        [
            "Para la sopa se fríen la cebolla y el ajo en aceite de oliva.",
            "La receta del pastel pide harina, azúcar, mantequilla y tres huevos.",
            "Se añade ajo y aceite de oliva a los tomates, como dice la receta.",
            "El pastel se hornea con mantequilla y azúcar, la receta es antigua.",
        ],
    ),
    "ru": (
        [
            "Сборная выиграла финал чемпионата мира по футболу в серии пенальти.",
            "Тренер сборной похвалил вратаря после финала чемпионата мира.",
            "На стадионе зрители видели, как вратарь отбил пенальти.",
            "Чемпионат мира по футболу завершится финалом, стадион уже заполнен.",
        ],
        [
            "Для супа лук и чеснок жарят на оливковом масле.",
            "Рецепт пирога требует муку, сахар, сливочное масло и три яйца.",
            "Чеснок и оливковое масло добавляют к помидорам, как говорит рецепт.",
            "Пирог пекут со сливочным маслом и сахаром, рецепт очень старый.",
        ],
    ),
    "zh": (
        [
            "国家队在点球大战中赢得了世界杯决赛的胜利。",
            "国家队的主教练在决赛之后表扬了守门员。",
            "观众在体育场里看到守门员扑出了点球。",
            "世界杯以决赛结束,体育场已经坐满了观众。",
        ],
        [
            "做汤的时候用橄榄油炒洋葱和大蒜。",
            "这个蛋糕的食谱需要面粉、白糖、黄油和三个鸡蛋。",
            "按照食谱把大蒜和橄榄油加到番茄里。",
            "蛋糕用黄油和白糖来烤,这个食谱很古老。",
        ],
    ),
    "ja": (
        [
            "代表チームはワールドカップの決勝でPK戦の末に優勝しました。",
            "代表チームの監督は決勝の後でゴールキーパーをほめました。",
            "スタジアムの観客はゴールキーパーがシュートを止めるのを見ました。",
            "ワールドカップは決勝で終わり、スタジアムは満員です。",
        ],
        [
            "スープを作るために玉ねぎとにんにくをオリーブオイルで炒めます。",
            "ケーキのレシピには小麦粉と砂糖とバターと卵が必要です。",
            "レシピのとおりににんにくとオリーブオイルをトマトに加えます。",
            "ケーキはバターと砂糖で焼きます。このレシピは古いものです。",
        ],
    ),
    "th": (
        [
            "ทีมชาติชนะการแข่งขันฟุตบอลโลกในรอบชิงชนะเลิศ",
            "ผู้ฝึกสอนทีมชาติชมผู้รักษาประตูหลังรอบชิงชนะเลิศ",
            "ผู้ชมในสนามกีฬาเห็นผู้รักษาประตูรับลูกจุดโทษ",
            "ฟุตบอลโลกจบลงด้วยรอบชิงชนะเลิศและสนามกีฬาเต็มไปด้วยผู้ชม",
        ],
        [
            "เราผัดหัวหอมและกระเทียมในน้ำมันมะกอกเพื่อทำซุป",
            "สูตรอาหารของขนมเค้กต้องใช้แป้ง น้ำตาล เนย และไข่สามฟอง",
            "ใส่กระเทียมและน้ำมันมะกอกลงในมะเขือเทศตามสูตรอาหาร",
            "ขนมเค้กอบด้วยเนยและน้ำตาล สูตรอาหารนี้เก่าแก่มาก",
        ],
    ),
    "ar": (
        [
            "فاز المنتخب الوطني في نهائي كأس العالم بركلات الترجيح.",
            "أشاد مدرب المنتخب الوطني بحارس المرمى بعد نهائي كأس العالم.",
            "شاهد الجمهور في الملعب كيف تصدى حارس المرمى لركلة الجزاء.",
            "تنتهي كأس العالم بالمباراة النهائية وقد امتلأ الملعب.",
        ],
        [
            "لتحضير الحساء نقلي البصل والثوم في زيت الزيتون.",
            "تحتاج وصفة الكعكة إلى الدقيق والسكر والزبدة وثلاث بيضات.",
            "نضيف الثوم مع زيت الزيتون إلى الطماطم كما تقول وصفة الطبخ.",
            "نخبز الكعكة مع الزبدة والسكر وهذه وصفة قديمة جدا.",
        ],
    ),
    "hi": (
        [
            "राष्ट्रीय टीम ने विश्व कप का फाइनल पेनल्टी शूटआउट में जीता।",
            "राष्ट्रीय टीम के कोच ने फाइनल के बाद गोलकीपर की तारीफ की।",
            "स्टेडियम में दर्शकों ने देखा कि गोलकीपर ने पेनल्टी रोकी।",
            "विश्व कप फाइनल के साथ समाप्त होता है और स्टेडियम भरा हुआ है।",
        ],
        [
            "सूप के लिए प्याज और लहसुन को जैतून के तेल में भूनते हैं।",
            "केक की रेसिपी में आटा, चीनी, मक्खन और तीन अंडे चाहिए।",
            "रेसिपी के अनुसार टमाटर में लहसुन और जैतून का तेल मिलाते हैं।",
            "केक मक्खन और चीनी से बनता है, यह रेसिपी बहुत पुरानी है।",
        ],
    ),
}
